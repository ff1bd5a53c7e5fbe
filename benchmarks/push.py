"""How fast annoloop pushes: tasks with predictions, against raw requests to the same server.

Measured: `loop.push.push.Pusher` with generated images and predictions into an empty project,
from the call to its return: looking for what is there, the note and the task index in the store,
the lock, the requests, showing the model version. Against it: the same tasks and predictions, built
beforehand, posted with one httpx client to `/api/projects/<id>/import` in chunks of the same size
(`label_studio.import_size`), and nothing else.

Both go to one real Label Studio, started in a temporary folder and removed at the end. Each round
makes two new projects and takes turns in which way goes first; one chunk each way warms the
server up. Afterwards each project must hold exactly what was sent. No image file is needed, and
none is made.

The ratio of the median rates should be at least 0.90.

Run it: python benchmarks/push.py [--command PATH] [--tasks N] [--rounds N] [--import-size N]
[--record FILE]

Exit status: 0 within the target, 1 below it or when a count is wrong.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from figures import Figure, add_record, tell
from server import VERSION, add_command, client, generate, make_project, push_all, running, say

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.tasks import Image, Prediction
from annolooop.errors import AnnoloopError
from annolooop.labelstudio.label_config import Labelling
from annolooop.labelstudio.results import build_result
from annolooop.stack import Stack

TARGET = 0.9

Way = Callable[[Stack, ProjectCounts, Mapping[Image, Prediction]], float]


def main() -> int:
    """Start a server, measure, print, and remove everything."""
    args = _arguments()
    section = {"import_size": args.import_size} if args.import_size else {}
    with running(args.command, **section) as stack:
        pushed, raw = compare(stack, generate(stack, args.tasks), args.rounds)
    name = f"push of {args.tasks:,} tasks with predictions"
    over = "tasks/s over raw requests'"
    values = f"{pushed:.0f}/s over {raw:.0f}/s"
    return tell([Figure(name, over, values, pushed / raw, TARGET)], args.record)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="annoloop's push over raw requests.")
    add_command(parser)
    parser.add_argument("--tasks", type=int, default=10_000, metavar="N", help="default: 10,000")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument(
        "--import-size", type=int, metavar="N", help="tasks in a request; default: annoloop's"
    )
    add_record(parser)
    args = parser.parse_args()
    if min(args.tasks, args.rounds) < 1:
        parser.error("--tasks and --rounds must be at least 1")
    return args


def compare(
    stack: Stack, predictions: Mapping[Image, Prediction], rounds: int
) -> tuple[float, float]:
    """Median rates of both ways, in tasks per second."""
    ways: dict[str, Way] = {"push": time_push, "raw": time_raw}
    chunk = dict(list(predictions.items())[: stack.config.label_studio.import_size])
    for name, way in ways.items():
        way(stack, make_project(stack, f"{name} warm-up"), chunk)

    rates: dict[str, list[float]] = {name: [] for name in ways}
    say(f"{'tasks/s':<9} {'push':>8} {'raw':>8} {'ratio':>6}")
    for number in range(1, rounds + 1):
        for name in ways if number % 2 else reversed(ways):
            project = make_project(stack, f"{name} round {number}")
            rates[name].append(len(predictions) / ways[name](stack, project, predictions))
            check(stack, project, predictions)
        pushed, raw = rates["push"][-1], rates["raw"][-1]
        say(f"round {number:<3} {pushed:8.0f} {raw:8.0f} {pushed / raw:6.2f}")
    say(f"counts of tasks and predictions: exact in all {2 * rounds} projects")
    return statistics.median(rates["push"]), statistics.median(rates["raw"])


def time_push(
    stack: Stack, project: ProjectCounts, predictions: Mapping[Image, Prediction]
) -> float:
    """Seconds of annoloop's own push."""
    begun = time.perf_counter()
    push_all(stack, project, predictions, VERSION, False)
    return time.perf_counter() - begun


def time_raw(
    stack: Stack, project: ProjectCounts, predictions: Mapping[Image, Prediction]
) -> float:
    """Seconds of the bare requests; payload and client are there before the clock starts."""
    payload = [_task(stack, image, prediction) for image, prediction in predictions.items()]
    size = stack.config.label_studio.import_size
    chunks = [payload[start : start + size] for start in range(0, len(payload), size)]
    with client(stack) as http:
        begun = time.perf_counter()
        for chunk in chunks:
            http.post(f"/api/projects/{project.id}/import", json=chunk).raise_for_status()
        return time.perf_counter() - begun


def check(stack: Stack, project: ProjectCounts, predictions: Mapping[Image, Prediction]) -> None:
    """Hold what the server has against what was sent.

    Raises:
        AnnoloopError: a task or a prediction is missing, or is there twice.
    """
    found = sorted(task.key for task in stack.studio.tasks.list(project.id))
    if found != sorted(image.key for image in predictions):
        raise AnnoloopError(f"{project.title}: {len(found)} tasks, not those that were sent")
    counts = stack.studio.predictions.count_by_version(project.id)
    if counts != {VERSION: len(predictions)}:
        raise AnnoloopError(f"{project.title}: predictions {counts}, not {len(predictions)}")


def _task(stack: Stack, image: Image, prediction: Prediction) -> dict[str, Any]:
    said = {
        "model_version": VERSION,
        "score": prediction.score,
        "result": build_result(Labelling(()), prediction.labels, prediction.score),
    }
    url = stack.image_source.url(image.key)
    data = {"image": url, "key": image.key, "sha256": image.sha256}
    return {"data": data, "predictions": [said]}


if __name__ == "__main__":
    sys.exit(main())
