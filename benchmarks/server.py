"""What benchmarks of Label Studio share: a server of their own, and tasks that nobody made."""

import hashlib
import json
import signal
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from annolooop.config.load import load_stack
from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.tasks import Image, Prediction
from annolooop.errors import AnnoloopError
from annolooop.labelstudio.label_config import Labelling
from annolooop.labelstudio.results import build_result
from annolooop.loop.labels.project import note_project
from annolooop.loop.push.push import IMAGES_PER_PART, Pusher
from annolooop.loop.setup.server import down, up
from annolooop.stack import Stack

VERSION = "v1-benchmark"


def add_command(parser: ArgumentParser) -> None:
    """Give a benchmark the option that says which Label Studio to start."""
    parser.add_argument(
        "--command",
        metavar="PATH",
        help="label-studio executable to start; default: one that annoloop installs",
    )


@contextmanager
def running(
    command: str | None, model: Mapping[str, Any] | None = None, **section: Any
) -> Iterator[Stack]:
    """A stack with a Label Studio that runs; both are gone at the end.

    Args:
        command: label-studio executable; default: one that annoloop installs.
        model: the stack file's section ``model``, where a version is made.
        section: more of the stack file's section ``label_studio``.
    """
    # A polite end of the benchmark is also one of its server.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with TemporaryDirectory(prefix="annoloop-benchmark-") as folder:
        stack = make_stack(Path(folder), command, section, model)
        try:
            with _explained():
                say(f"Label Studio {up(stack, say).version}")
            yield stack
        finally:
            remove_server(stack)


@contextmanager
def _explained() -> Iterator[None]:
    """End the benchmark, with a line instead of a traceback, where there is no server."""
    try:
        yield
    except AnnoloopError as error:
        raise SystemExit(f"Label Studio does not start: {error.message}") from None


def make_stack(
    folder: Path,
    command: str | None,
    section: Mapping[str, Any],
    model: Mapping[str, Any] | None = None,
) -> Stack:
    """A stack whose every file is below ``folder``, but for a Label Studio that it installs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings: dict[str, Any] = {
        "store": {"url": "store"},
        "label_studio": {"port": port, "data_dir": "label-studio", **section},
        **({"model": dict(model)} if model else {}),
    }
    if command is not None:
        settings["label_studio"]["command"] = str(Path(command).expanduser().absolute())
        settings["cache_dir"] = "cache"
    file = folder / "annoloop.yaml"
    file.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    return Stack(load_stack(str(file), environ={}), say)


def remove_server(stack: Stack) -> None:
    """Stop the server, and leave behind nothing that was made for it."""
    down(stack)
    if stack.daemon is not None:
        stack.daemon.release_environment()
        stack.daemon.log.unlink(missing_ok=True)


def client(stack: Stack) -> httpx.Client:
    """Plain requests to the server, with its token."""
    assert stack.daemon is not None
    credentials = stack.daemon.credentials()
    assert credentials is not None
    return httpx.Client(
        base_url=stack.daemon.url,
        headers={"Authorization": f"Token {credentials.token}"},
        timeout=600,
        trust_env=False,
    )


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
    project = stack.studio.projects.create(title, stack.config.dataset.labels, "single")
    stack.image_source.connect(stack.studio, project.id)
    return project


def push_all(
    stack: Stack,
    project: ProjectCounts,
    predictions: Mapping[Image, Prediction],
    version: str,
    refresh: bool,
) -> None:
    """Send tasks and predictions as `infer` does, and show the version."""
    pusher = Pusher(stack, project, version, refresh)
    images = list(predictions)
    for start in range(0, len(images), IMAGES_PER_PART):
        part = images[start : start + IMAGES_PER_PART]
        pusher.send({image: predictions[image] for image in part})
    pusher.finish()


def filled_project(stack: Stack, title: str, tasks: int) -> ProjectCounts:
    """A new project with tasks and predictions, noted as the dataset's."""
    project = make_project(stack, title)
    note_project(stack, project)
    push_all(stack, project, generate(stack, tasks), VERSION, False)
    return current(stack, project)


def current(stack: Stack, project: ProjectCounts) -> ProjectCounts:
    """A project with its counters as they are now."""
    now = stack.studio.projects.get(project.id)
    assert now is not None
    return now


def annotate(stack: Stack, project: ProjectCounts, tasks: list[int]) -> None:
    """Have each task annotated, by plain requests."""
    result = build_result(Labelling(()), stack.config.dataset.labels[:1])
    with client(stack) as http:
        for task in tasks:
            body = {"result": result, "lead_time": 1.0}
            http.post(f"/api/tasks/{task}/annotations", json=body).raise_for_status()


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)
