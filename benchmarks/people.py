"""How long people wait for their next image when eight of them answer at once.

Measured: the longest wait for an answer to `next`, over the answers of all people, on the local
server as `up` starts it, over the same without our settings, where SQLite's transactions do not
take turns, and one that comes too late begins again. Both in turn, `--rounds` times; the ratio of
the medians should be at most 0.5.

Run it: python benchmarks/people.py [--people N] [--answers N] [--rounds N] [--command PATH]

Exit status: 0 within the target, 1 beyond it.
"""

import argparse
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

import httpx
from figures import Figure, add_record, tell
from server import add_command, client, filled_project, running

from annolooop.domain.annotations import ProjectCounts
from annolooop.labelstudio.label_config import Labelling
from annolooop.labelstudio.results import build_result
from annolooop.labelstudio.server import daemon
from annolooop.stack import Stack

TARGET = 0.5


def main() -> int:
    """Measure, print, and tell by the exit status whether the target is met."""
    parser = argparse.ArgumentParser(description="Waits of people who answer at once.")
    parser.add_argument("--people", type=int, default=8, metavar="N", help="default: 8")
    parser.add_argument("--answers", type=int, default=12, metavar="N", help="each; default: 12")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    add_command(parser)
    add_record(parser)
    args = parser.parse_args()
    if min(args.people, args.answers, args.rounds) < 1:
        parser.error("all of them must be at least 1")
    waits = [
        (
            longest(args.command, args.people, args.answers, True),
            longest(args.command, args.people, args.answers, False),
        )
        for _ in range(args.rounds)
    ]
    ours, plain = (statistics.median(side) for side in zip(*waits, strict=True))
    figure = Figure(
        f"{args.people} people answer at once, {args.answers} images each",
        "longest wait for the next image with our settings over that without them",
        f"{ours:.2f} s over {plain:.2f} s",
        ours / plain,
        TARGET,
        at_least=False,
    )
    return tell([figure], args.record)


def longest(command: str | None, people: int, answers: int, settings: bool) -> float:
    """Seconds of the longest wait for an image, on a server of its own."""
    started = daemon.command_of if settings else _plainly
    with patch.object(daemon, "command_of", started), running(command) as stack:
        project = filled_project(stack, "people", people * answers)
        tokens = [_account(stack, number) for number in range(people)]
        with ThreadPoolExecutor(people) as pool:
            waits = pool.map(lambda token: _answer(stack, project, token, answers), tokens)
            return max(wait for one in waits for wait in one)


def _plainly(executable: Path) -> list[str]:
    return [str(executable.parent / "python"), "-I", "-u", str(executable)]


def _account(stack: Stack, number: int) -> str:
    """The token of a new account."""
    with client(stack) as http:
        link = http.get("/api/invite").json()["invite_url"]
    assert stack.daemon
    with httpx.Client(base_url=stack.daemon.url, trust_env=False, timeout=600) as browser:
        browser.get(link)
        form = {
            "email": f"{number}@example.org",
            "password": "benchmark-1234",
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        }
        browser.post(link, data=form)
        return str(browser.get("/api/current-user/token").json()["token"])


def _answer(stack: Stack, project: ProjectCounts, token: str, answers: int) -> list[float]:
    """Answer one image after the other; the seconds that each took to come."""
    result = build_result(Labelling(()), stack.config.dataset.labels[:1])
    waits = []
    with client(stack) as http:
        http.headers["Authorization"] = f"Token {token}"
        for _ in range(answers):
            begun = time.monotonic()
            shown = http.get(f"/api/projects/{project.id}/next")
            waits.append(time.monotonic() - begun)
            if shown.status_code == 404:  # the others have the rest
                break
            body = {"result": result, "lead_time": 1.0}
            path = f"/api/tasks/{shown.raise_for_status().json()['id']}/annotations"
            http.post(path, json=body).raise_for_status()
    return waits


if __name__ == "__main__":
    sys.exit(main())
