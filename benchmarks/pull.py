"""How fast annoloop pulls what changed, against an export of all tasks.

Measured: `annolooop.loop.labels.snapshot.pull_snapshot` after people annotated some tasks of a
project since the last snapshot, from the call to the stored snapshot. Against it: the request `GET
/api/projects/<id>/export?exportType=JSON&download_all_tasks=true`, until its answer is read, which
is what Label Studio's own client does for an export. Both go to one real Label Studio, started in
a temporary folder and removed at the end; the snapshot must hold exactly the annotations given.

The export should take at least 20 times as long.

Run it: python benchmarks/pull.py [--command PATH] [--tasks N] [--annotations N] [--record FILE]

Exit status: 0 within the target, 1 below it or when a count is wrong.
"""

import argparse
import sys
import time

from figures import Figure, add_record, tell
from server import add_command, annotate, client, current, filled_project, generate, running, say

from annolooop.loop.labels.snapshot import pull_snapshot

TARGET = 20


def main() -> int:
    """Start a server, measure, print, and remove everything."""
    args = _arguments()
    new = min(args.annotations, args.tasks - 5)
    with running(args.command) as stack:
        project = filled_project(stack, "pull", args.tasks)
        keys = (image.key for image in generate(stack, args.tasks))
        ids = [task.id for task in stack.task_index.tasks(keys)]
        annotate(stack, project, ids[:5])
        pull_snapshot(stack, current(stack, project))
        time.sleep(6)  # what changed right before is looked at again
        annotate(stack, project, ids[5 : 5 + new])

        begun = time.perf_counter()
        snapshot, changes = pull_snapshot(stack, current(stack, project))
        pulled = time.perf_counter() - begun
        if changes.created != new or len(snapshot.annotations) != new + 5:
            say(f"{changes}, not {new} created")
            return 1

        asked = {"exportType": "JSON", "download_all_tasks": "true"}
        with client(stack) as http:
            begun = time.perf_counter()
            answer = http.get(f"/api/projects/{project.id}/export", params=asked)
            answer.raise_for_status()
            exported = time.perf_counter() - begun
        if len(answer.json()) != args.tasks:
            say(f"{len(answer.json())} tasks exported, not {args.tasks}")
            return 1
    name = f"pull of {new} new annotations in a project of {args.tasks:,} tasks"
    over = "seconds of a full export over the pull's"
    values = f"{exported:.2f} s over {pulled:.2f} s"
    return tell([Figure(name, over, values, exported / pulled, TARGET)], args.record)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A pull of what changed over a full export.")
    add_command(parser)
    parser.add_argument("--tasks", type=int, default=20_000, metavar="N", help="default: 20,000")
    parser.add_argument("--annotations", type=int, default=100, metavar="N", help="default: 100")
    add_record(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
