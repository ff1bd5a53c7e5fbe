"""How long a page of the contact sheet takes to be saved, and how long until the next one is there.

Measured, on the local server as `up` starts it, with photographs that the benchmark makes:

- a page of `--tiles` answers, saved as the page sends them (checked, at most eight requests at
  once), over as many submitted through Label Studio's API one after the other; at most 0.6;
- the next page (its tiles are chosen anew), over one request of Label Studio for the next task;
  at most 1.

Run it: python benchmarks/sheet.py [--tiles N] [--rounds N] [--command PATH]

Exit status: 0 within the targets, 1 beyond one.
"""

import argparse
import statistics
import sys
import time

from figures import Figure, add_record, tell
from photos import write_photos
from server import add_command, annotate, client, running

from annolooop.domain.progress import untracked
from annolooop.labelstudio.server.login import open_session
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.labels.project import find_project
from annolooop.loop.sheet.kinds import SUREST
from annolooop.loop.sheet.sheet import Sheet
from annolooop.loop.train.train import train
from annolooop.stack import Stack

SAVED, NEXT = 0.6, 1.0
TAUGHT = 20  # images that the version learns from


def main() -> int:
    """Measure, print, and tell by the exit status whether the targets are met."""
    parser = argparse.ArgumentParser(description="Pages of the contact sheet.")
    parser.add_argument("--tiles", type=int, default=24, metavar="N", help="default: 24")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default: 5")
    add_command(parser)
    add_record(parser)
    args = parser.parse_args()
    if min(args.tiles, args.rounds) < 1:
        parser.error("both must be at least 1")
    model = {"backbone": "mobilenet_v3_small", "weights": "none"}
    with running(args.command, model) as stack:
        _prepare(stack, TAUGHT + 3 * args.tiles * args.rounds)
        pages, singly, nexts, asked = _measure(stack, args.tiles, args.rounds)
    page, single, following, one = map(statistics.median, (pages, singly, nexts, asked))
    figures = [
        Figure(
            f"a page of {args.tiles} answers",
            "time until it is saved over as many single submissions",
            f"{page:.2f} s over {single:.2f} s",
            page / single,
            SAVED,
            at_least=False,
        ),
        Figure(
            f"the next page of {args.tiles} tiles",
            "time until it is chosen over Label Studio's next task",
            f"{1000 * following:.0f} ms over {1000 * one:.0f} ms",
            following / one,
            NEXT,
            at_least=False,
        ),
    ]
    return tell(figures, args.record)


def _prepare(stack: Stack, count: int) -> None:
    """A version that was trained, and tasks with its predictions."""
    folder = stack.loaded.file.parent / "photos"
    write_photos(folder, count, 0.05)
    train(stack, False, untracked)
    infer(stack, str(folder), InferOptions(), untracked)
    project = find_project(stack, stack.config.dataset.name)
    tasks = [task.id for task in stack.studio.tasks.list(project.id)][:TAUGHT]
    for at, task in enumerate(tasks):
        label = stack.config.dataset.labels[at % len(stack.config.dataset.labels)]
        stack.studio.annotations.create(project.id, task, [label], 1.0)
    train(stack, True, untracked)
    infer(stack, None, InferOptions(rerun=True), untracked)


def _measure(
    stack: Stack, tiles: int, rounds: int
) -> tuple[list[float], list[float], list[float], list[float]]:
    """Seconds of pages, of single submissions, of the next page, and of one next task."""
    assert stack.daemon
    credentials = stack.daemon.credentials()
    assert credentials
    session = open_session(stack.studio.url, credentials)["sessionid"]
    sheet = Sheet(stack, SUREST, "", untracked)
    person, project = sheet.person(session), find_project(stack, sheet.dataset)
    pages, singly, nexts, asked = list[float](), list[float](), list[float](), list[float]()
    with client(stack) as http:
        for _ in range(rounds):
            begun = time.monotonic()
            page = sheet.page(person, tiles, False)
            nexts.append(time.monotonic() - begun)
            other = sheet.page(person, tiles, False)
            assert page
            assert other
            begun = time.monotonic()
            sheet.save(session, {tile.task: tile.label for tile in page.tiles}, 10.0)
            pages.append((time.monotonic() - begun) / len(page.tiles) * tiles)
            begun = time.monotonic()
            annotate(stack, project, [tile.task for tile in other.tiles])
            singly.append((time.monotonic() - begun) / len(other.tiles) * tiles)
            begun = time.monotonic()
            http.get(f"/api/projects/{project.id}/next").raise_for_status()
            asked.append(time.monotonic() - begun)
    return pages, singly, nexts, asked


if __name__ == "__main__":
    sys.exit(main())
