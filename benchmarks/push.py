"""How fast annoloop pushes: tasks with predictions, against raw requests to the same server.

Measured: `annolooop.loop.push.push` of generated images and predictions into an empty project,
from the call to its return: looking for what is there, the note in the store before each request,
the requests, showing the model version. Against it: the same tasks and predictions, built
beforehand, posted with one httpx client to `/api/projects/<id>/import` in chunks of the same size
(`label_studio.import_size`), and nothing else.

Both go to one real Label Studio, started in a temporary folder and removed at the end. Each round
makes two new projects and takes turns in which way goes first; one chunk each way warms the
server up. Afterwards both projects must hold exactly what was sent. No image file is needed, and
none is made.

The ratio of the median rates should be at least 0.8.

Run it: python benchmarks/push.py [--command PATH] [--tasks N] [--rounds N] [--import-size N]

Exit status: 0 within the target, 1 below it or when a count is wrong.
"""

import argparse
import hashlib
import json
import signal
import socket
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from annolooop.errors import AnnoloopError
from annolooop.labelstudio.label_config import Labelling, build_result
from annolooop.loop.push import push
from annolooop.loop.studio import down, up
from annolooop.records import Image, Prediction, ProjectCounts, untracked
from annolooop.stack import Stack
from annolooop.stack_file import load_stack

TARGET = 0.8
VERSION = "v1-benchmark"

Way = Callable[[Stack, ProjectCounts, Mapping[Image, Prediction]], float]


def main() -> int:
    """Start a server, measure, print, and remove everything."""
    args = _arguments()
    # A polite end of the benchmark is also one of its server.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with TemporaryDirectory(prefix="annoloop-benchmark-") as folder:
        stack = make_stack(Path(folder), args.command, args.import_size)
        try:
            report = up(stack, say)
            say(f"Label Studio {report.version}, {args.tasks} tasks in each project")
            return compare(stack, generate(stack, args.tasks), args.rounds)
        except AnnoloopError as error:
            say(f"{error.message}\n{error.hint}")
            return 1
        finally:
            remove_server(stack)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="annoloop's push over raw requests.")
    parser.add_argument(
        "--command",
        metavar="PATH",
        help="label-studio executable to start; default: one that annoloop installs",
    )
    parser.add_argument("--tasks", type=int, default=5000, metavar="N", help="default: 5000")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument(
        "--import-size", type=int, metavar="N", help="tasks in a request; default: annoloop's"
    )
    args = parser.parse_args()
    if min(args.tasks, args.rounds) < 1:
        parser.error("--tasks and --rounds must be at least 1")
    return args


def compare(stack: Stack, predictions: Mapping[Image, Prediction], rounds: int) -> int:
    """Measure both ways, print the rates; 0 when the target is met."""
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
        say(_row(f"round {number}", rates["push"][-1], rates["raw"][-1]))
    medians = {name: statistics.median(measured) for name, measured in rates.items()}
    say(_row("median", medians["push"], medians["raw"]))
    met = medians["push"] / medians["raw"] >= TARGET
    say(f"counts of tasks and predictions: exact in all {2 * rounds} projects")
    say(f"target: at least {TARGET} by the medians: {'met' if met else 'not met'}")
    return 0 if met else 1


def time_push(
    stack: Stack, project: ProjectCounts, predictions: Mapping[Image, Prediction]
) -> float:
    """Seconds of annoloop's own push."""
    begun = time.perf_counter()
    push(stack, project, predictions, VERSION, False, untracked)
    return time.perf_counter() - begun


def time_raw(
    stack: Stack, project: ProjectCounts, predictions: Mapping[Image, Prediction]
) -> float:
    """Seconds of the bare requests; payload and client are there before the clock starts."""
    section = stack.config.label_studio
    payload = [_task(stack, image, prediction) for image, prediction in predictions.items()]
    size = section.import_size
    chunks = [payload[start : start + size] for start in range(0, len(payload), size)]
    assert stack.daemon is not None
    credentials = stack.daemon.credentials()
    assert credentials is not None
    with httpx.Client(
        base_url=stack.daemon.url,
        headers={"Authorization": f"Token {credentials.token}"},
        timeout=section.timeout,
        trust_env=False,
    ) as client:
        begun = time.perf_counter()
        for chunk in chunks:
            client.post(f"/api/projects/{project.id}/import", json=chunk).raise_for_status()
        return time.perf_counter() - begun


def check(stack: Stack, project: ProjectCounts, predictions: Mapping[Image, Prediction]) -> None:
    """Hold what the server has against what was sent.

    Raises:
        AnnoloopError: a task or a prediction is missing, or is there twice.
    """
    found = sorted(task.key for task in stack.studio.tasks(project.id))
    if found != sorted(image.key for image in predictions):
        raise AnnoloopError(f"{project.title}: {len(found)} tasks, not those that were sent")
    counts = stack.studio.model_versions(project.id)
    if counts != {VERSION: len(predictions)}:
        raise AnnoloopError(f"{project.title}: predictions {counts}, not {len(predictions)}")
    # As many predictions as tasks, and each task has one.
    if len(stack.studio.tasks_predicted(project.id, [VERSION])) != len(predictions):
        raise AnnoloopError(f"{project.title}: some task has two predictions, another has none")


def make_stack(folder: Path, command: str | None, import_size: int | None) -> Stack:
    """A stack whose every file is below ``folder``, but for a Label Studio that it installs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    section: dict[str, Any] = {"port": port, "data_dir": "label-studio"}
    settings: dict[str, Any] = {"store": {"url": "store"}, "label_studio": section}
    if import_size is not None:
        section["import_size"] = import_size
    if command is not None:
        section["command"] = str(Path(command).expanduser().absolute())
        settings["cache_dir"] = "cache"
    file = folder / "annoloop.yaml"
    file.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    return Stack(load_stack(str(file), environ={}), say)


def generate(stack: Stack, count: int) -> dict[Image, Prediction]:
    """Images that nobody has, with keys and scores as ``infer`` makes them."""
    labels = stack.config.dataset.labels
    made: dict[Image, Prediction] = {}
    for number in range(count):
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        score = round(0.5 + 0.5 * int(digest[:8], 16) / 0xFFFFFFFF, 6)
        image = Image(f"images/benchmark/photo-{number:06d}.jpg", digest)
        made[image] = Prediction((labels[number % len(labels)],), score)
    return made


def make_project(stack: Stack, title: str) -> ProjectCounts:
    """A new project that can show the store's images, as ``infer`` makes it."""
    project = stack.studio.create_project(title, stack.config.dataset.labels, "single")
    stack.image_source.connect(stack.studio, project.id)
    return project


def remove_server(stack: Stack) -> None:
    """Stop the server, and leave behind nothing that was made for it."""
    down(stack)
    if stack.daemon is not None:
        stack.daemon.release_environment()
        stack.daemon.log.unlink(missing_ok=True)


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def _row(name: str, pushed: float, raw: float) -> str:
    return f"{name:<9} {pushed:8.0f} {raw:8.0f} {pushed / raw:6.2f}"


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
