"""How fast predictions of a new version reach tasks that exist, against one request for each.

Measured: `annolooop.loop.push.push.push` with `refresh`, of predictions by another version for all
tasks of a project that it filled before, from the call to its return. Against it: `POST
/api/predictions/` for 100 of these tasks, one after another, with one httpx client; this is what
Label Studio's own client offers first. Both go to one real Label Studio, started in a temporary
folder and removed at the end; afterwards the server must count exactly one new prediction for
each task.

Predictions per second should be at least 50 times as many.

Run it: python benchmarks/predictions.py [--command PATH] [--tasks N] [--singly N] [--record FILE]

Exit status: 0 within the target, 1 below it or when a count is wrong.
"""

import argparse
import sys
import time

from figures import Figure, add_record, tell
from server import add_command, client, filled_project, generate, push_all, running, say

from annolooop.labelstudio.label_config import Labelling
from annolooop.labelstudio.results import build_result

TARGET = 50
NEW = "v2-benchmark"
SINGLE = "v3-benchmark"


def main() -> int:
    """Start a server, measure, print, and remove everything."""
    args = _arguments()
    with running(args.command) as stack:
        project = filled_project(stack, "predictions", args.tasks)
        predictions = generate(stack, args.tasks)
        ids = [task.id for task in stack.task_index.tasks(i.key for i in predictions)][
            : args.singly
        ]

        begun = time.perf_counter()
        push_all(stack, project, predictions, NEW, True)
        pushed = args.tasks / (time.perf_counter() - begun)

        result = build_result(Labelling(()), stack.config.dataset.labels[:1], 0.5)
        with client(stack) as http:
            begun = time.perf_counter()
            for task in ids:
                body = {"task": task, "model_version": SINGLE, "score": 0.5, "result": result}
                http.post("/api/predictions/", json=body).raise_for_status()
            singly = len(ids) / (time.perf_counter() - begun)

        counts = stack.studio.predictions.count_by_version(project.id)
        if counts.get(NEW) != args.tasks:
            say(f"predictions {counts}, not {args.tasks}")
            return 1
    name = f"push of new predictions to {args.tasks:,} existing tasks"
    over = f"predictions/s over one request for each (measured on {len(ids)})"
    values = f"{pushed:.0f}/s over {singly:.1f}/s"
    return tell([Figure(name, over, values, pushed / singly, TARGET)], args.record)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Predictions in bulk over one by one.")
    add_command(parser)
    parser.add_argument("--tasks", type=int, default=10_000, metavar="N", help="default: 10,000")
    parser.add_argument("--singly", type=int, default=100, metavar="N", help="default: 100")
    add_record(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
