"""What `annoloop stats` costs on a large project, against a small one.

Two projects of one real Label Studio, started in a temporary folder and removed at the end: each
filled by `push` of `annolooop.loop.push.push`, with the same number of annotations, pulled into a
snapshot; so nothing changed since. Counted: the requests that `stats` of
`annolooop.loop.quality.stats` makes on the large one, all that a fresh stack asks Label Studio.
Measured: seconds of the whole command `python -m annolooop stats` from start to end, on one and the
other in turns, medians; and of the requests alone, which is printed beside it.

At most 3 requests; at most 1.5 times the seconds.

Run it: python benchmarks/stats.py [--command PATH] [--tasks N] [--few N] [--rounds N]
[--record FILE]

Exit status: 0 within the targets, 1 above one.
"""

import argparse
import statistics
import subprocess
import sys
import time

from figures import Figure, add_record, tell
from server import add_command, annotate, current, filled_project, generate, running

from annolooop.config.load import load_stack
from annolooop.labelstudio.api.connection import Connection
from annolooop.loop.labels.project import note_project
from annolooop.loop.labels.snapshot import pull_snapshot
from annolooop.loop.quality.stats import stats
from annolooop.stack import Stack

REQUESTS = 3
SECONDS = 1.5
ANNOTATIONS = 20


def main() -> int:
    """Start a server, measure, print, and remove everything."""
    args = _arguments()
    with running(args.command) as stack:
        small, large = (_fill(stack, count) for count in (args.few, args.tasks))
        whole: dict[str, list[float]] = {small: [], large: []}
        talk: dict[str, list[float]] = {small: [], large: []}
        requests = 0
        for _ in range(args.rounds):
            for name in (small, large):
                command = [sys.executable, "-m", "annolooop", "stats", name]
                begun = time.perf_counter()
                command += ["--stack", _file(stack)]
                subprocess.run(command, check=True, capture_output=True)
                whole[name].append(time.perf_counter() - begun)
                begun = time.perf_counter()
                requests = _count(_file(stack), name)
                talk[name].append(time.perf_counter() - begun)
    figures = [
        Figure(
            f"stats on {args.tasks:,} tasks, requests",
            "requests to Label Studio",
            f"{requests}",
            requests,
            REQUESTS,
            at_least=False,
        )
    ]
    for what, took, target in (("whole command", whole, SECONDS), ("in the process", talk, None)):
        over, under = (statistics.median(took[name]) for name in (large, small))
        figures.append(
            Figure(
                f"stats on {args.tasks:,} tasks, {what}",
                f"seconds over those on {args.few}",
                f"{over:.2f} s over {under:.2f} s",
                over / under,
                target,
                at_least=False,
            )
        )
    return tell(figures, args.record)


def _fill(stack: Stack, tasks: int) -> str:
    """Make a dataset of so many tasks, and a snapshot of what was said of it. Returns its name."""
    name = f"stats_{tasks}"
    of = Stack(load_stack(_file(stack), [f"dataset.name={name}"], environ={}), print)
    project = filled_project(of, name, tasks)
    annotate(of, project, _first(of, tasks))
    pull_snapshot(of, current(of, project))
    note_project(of, project)
    return name


def _first(stack: Stack, tasks: int) -> list[int]:
    keys = [image.key for image in generate(stack, min(tasks, ANNOTATIONS))]
    return [task.id for task in stack.task_index.tasks(keys)]


def _file(stack: Stack) -> str:
    return str(stack.loaded.file)


def _count(file: str, name: str) -> int:
    """Count the requests of one command."""
    plain, count = Connection._send, 0

    def counted(self: Connection, *given: object) -> object:
        nonlocal count
        count += 1
        return plain(self, *given)  # type: ignore[arg-type]

    Connection._send = counted  # type: ignore[method-assign,assignment]
    try:
        stats(Stack(load_stack(file, [f"dataset.name={name}"], environ={}), print), name)
    finally:
        Connection._send = plain  # type: ignore[method-assign]
    return count


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="stats on many tasks over stats on few.")
    add_command(parser)
    parser.add_argument("--tasks", type=int, default=20_000, metavar="N", help="default: 20,000")
    parser.add_argument("--few", type=int, default=200, metavar="N", help="default: 200")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default: 5")
    add_record(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
