"""The whole loop, once, on photographs that come with the program."""

import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from platformdirs import user_data_path

from annolooop.config.load import load_stack
from annolooop.domain.progress import Track
from annolooop.domain.versions import BackboneInfo
from annolooop.errors import ConfigError, UsageError
from annolooop.files.remove import remove_own
from annolooop.files.whole import make_folder
from annolooop.labelstudio.server.port import port_taken
from annolooop.loop.cycle.steps import Steps
from annolooop.loop.cycle.weights import up_with_weights
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.quality.stats import StatsReport, stats
from annolooop.loop.setup.init import shipped
from annolooop.loop.train.train import train
from annolooop.stack import Stack


@dataclass(frozen=True)
class DemoReport:
    """The whole loop, once. Accuracies are those of the pre-annotations that people see.

    ``password`` is that of the throw-away server; it is left out of JSON.
    """

    folder: str
    url: str
    username: str
    password: str = field(repr=False, metadata={"not_in_json": True})
    backbone: BackboneInfo
    model_before: str
    model_after: str
    accuracy_before: float
    accuracy_after: float
    accepted: int
    overridden: int
    seconds: dict[str, float]


@dataclass(frozen=True)
class CleanReport:
    """What `demo --clean` removed."""

    removed: tuple[str, ...]


PORT = 8094
MARK = ".annoloop-demo"  # in the folder: it may be removed
STORE, SERVER = "store", "label-studio"  # in the folder
OWN_SECTIONS = ("store", "s3", "gcs", "azure", "dataset")
OWN_KEYS = ("url", "api_key", "data_dir", "document_root", "port")  # of label_studio


def demo(
    folder: Path | None,
    port: int | None,
    overrides: Sequence[str],
    say: Callable[[str], None],
    show_stats: Callable[[StatsReport], None],
    track: Track,
) -> DemoReport:
    """Start a Label Studio of the demo's own, and turn the loop twice.

    Args:
        folder: where everything is kept; default: a folder of the demo's in the user's data.
        port: of the demo's Label Studio; default: 8094, or the next free one.
        overrides: values of ``--set``, for the demo's stack.
        say: shows what happens.
        show_stats: shows the dataset's state after the annotations.
        track: shows how far it is.

    Raises:
        ConfigError: the folder holds something else.
        UsageError: an override names what is the demo's own.
    """
    _check_overrides(overrides)
    home = _claim(folder or default_folder())
    batches = [shipped(f"data/batch_{n}") for n in (1, 2)]
    _write_stack(home, port)
    stack = _load(home, overrides, say)
    _remove_store(stack)
    steps = Steps(
        [
            "annoloop up",
            "annoloop train",
            "annoloop infer data/batch_1",
            f"annoloop dataset launch {stack.config.dataset.name}",
            "annoloop train --rerun",
            "annoloop infer data/batch_2",
        ],
        "annoloop demo",
        say,
    )
    with steps.step("Label Studio and the weights of the model"):
        stack, _ = up_with_weights(stack, lambda: _load(home, overrides, say), say)
        _delete_project(stack)
    with steps.step("the first model version"):
        first = train(stack, False, track)
    with steps.step("batch 1, predicted"):
        infer(stack, str(batches[0]), InferOptions(), track)
    with steps.step("batch 1, labelled by a script in place of a person"):
        _annotate(stack, _read_labels(batches[0]), say)
    state = stats(stack, stack.config.dataset.name)
    show_stats(state)
    with steps.step("a version that learns from the labels"):
        second = train(stack, True, track)
    with steps.step("batch 2, predicted by it"):
        last = infer(stack, str(batches[1]), InferOptions(), track)
    seen = state.model_versions[first.model_version]
    assert stack.daemon is not None
    credentials = stack.daemon.credentials()
    assert credentials is not None
    return DemoReport(
        folder=str(home),
        url=last.url or "",
        username=credentials.username,
        password=credentials.password,
        backbone=second.backbone,
        model_before=first.model_version,
        model_after=second.model_version,
        accuracy_before=seen.accepted / max(seen.accepted + seen.overridden, 1),
        accuracy_after=_accuracy(stack, second.model_version, _read_labels(batches[1])),
        accepted=seen.accepted,
        overridden=seen.overridden,
        seconds=steps.seconds,
    )


def clean(folder: Path | None) -> CleanReport:
    """Stop the demo's Label Studio and remove everything that the demo made.

    Label Studio's installed environment goes too, unless another stack uses it.

    Raises:
        ConfigError: the folder was not made by the demo.
    """
    home = (folder or default_folder()).resolve()
    if not home.exists():
        return CleanReport(())
    _claim(home)
    removed: list[str] = []
    if (home / "annoloop.yaml").exists():
        stack = _load(home, (), lambda _: None)
        daemon = stack.daemon
        assert daemon is not None
        daemon.stop()
        environment = daemon.release_environment()
        if environment:
            removed.append(str(environment))
        for file in (daemon.log, stack.starter_file):
            if file.exists():
                file.unlink()
                removed.append(str(file))
    remove_own(home, home / MARK)
    return CleanReport((*removed, str(home)))


def default_folder() -> Path:
    """Where the demo lives by default."""
    return user_data_path("annoloop") / "demo"


def _claim(folder: Path) -> Path:
    """Make the demo's folder; never take one that holds something else."""
    home = folder.resolve()
    if home.exists() and any(home.iterdir()) and not (home / MARK).exists():
        raise ConfigError(
            f"{home} is not empty, and was not made by the demo",
            "Name an empty folder: annoloop demo --folder DIR",
        )
    make_folder(home)
    (home / MARK).touch()
    return home


def _check_overrides(overrides: Sequence[str]) -> None:
    """The demo deletes its project and its store: they must be its own."""
    for override in overrides:
        key = override.partition("=")[0].strip()
        section, _, name = key.partition(".")
        if section in OWN_SECTIONS or (section == "label_studio" and name in ("", *OWN_KEYS)):
            raise UsageError(
                f"--set {key}: the demo has a store, a dataset and a Label Studio of its own",
                "Leave it out. For a stack of yours: annoloop init",
            )


def _load(home: Path, overrides: Sequence[str], say: Callable[[str], None]) -> Stack:
    """The demo's stack, whose store and server are in its folder.

    Raises:
        ConfigError: they are elsewhere, as the stack file was changed, or there are links.
    """
    loaded = load_stack(str(home / "annoloop.yaml"), overrides)
    config = loaded.config
    for key, value, own in (
        ("store.url", config.store.url, home / STORE),
        ("label_studio.data_dir", config.label_studio.data_dir, home / SERVER),
    ):
        if loaded.path(value) != own or config.label_studio.url:
            raise ConfigError(
                f"the demo's {key} is {loaded.path(value)}, and not {own}: it is not touched",
                f"Remove {home} yourself if you do not need it, or name another folder: --folder",
            )
    return Stack(loaded, say)


def _write_stack(home: Path, port: int | None) -> None:
    """The demo's stack file; the port and the weights of the demo before stay."""
    file = home / "annoloop.yaml"
    before = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
    port = port or before.get("label_studio", {}).get("port") or _free_port(PORT)
    text = yaml.safe_dump(
        {
            "store": {"url": STORE},
            "label_studio": {"port": port, "data_dir": SERVER},
            "dataset": {"name": "aria_detector", "labels": ["aria", "not_aria"]},
            "model": before.get("model") or {"backbone": "resnet18", "weights": "DEFAULT"},
        },
        sort_keys=False,
    )
    file.write_text(text, encoding="utf-8")


def _free_port(first: int) -> int:
    for port in range(first, first + 100):
        if not port_taken(port):
            return port
    raise ConfigError(f"no free port from {first} on", "Name one: annoloop demo --port PORT")


def _remove_store(stack: Stack) -> None:
    """What the demo before stored; never anything outside of the demo's folder."""
    folder = stack.store.local_path
    if folder and folder.exists():
        remove_own(folder, folder.parent / MARK)


def _delete_project(stack: Stack) -> None:
    """The project of the demo before."""
    project = stack.studio.projects.find(stack.config.dataset.name)
    if project:
        stack.studio.projects.delete(project.id)


def _annotate(stack: Stack, labels: dict[str, str], say: Callable[[str], None]) -> None:
    """Answer the labelling stream until it is empty, overriding predictions that are wrong."""
    project = stack.studio.projects.find(stack.config.dataset.name)
    assert project is not None
    while (task := stack.studio.tasks.next(project.id)) is not None:
        begun = time.monotonic()
        key, predicted = stack.studio.tasks.look(project.id, task)
        answer = labels[key.rpartition("/")[2]]
        guess = predicted.get(project.model_version, ())
        stack.studio.annotations.create(
            project.id, task, [answer], round(time.monotonic() - begun, 3)
        )
        labels_text = ", ".join(guess)
        verdict = "accepted" if guess == (answer,) else f"overridden (predicted {labels_text})"
        say(f"  {key}: {answer}, {verdict}")


def _accuracy(stack: Stack, version: str, labels: dict[str, str]) -> float:
    """Share of these images whose prediction in Label Studio is right."""
    project = stack.studio.projects.find(stack.config.dataset.name)
    assert project is not None
    right = 0
    for task in stack.studio.tasks.list(project.id):
        name = task.key.rpartition("/")[2]
        if name in labels:
            right += stack.studio.tasks.look(project.id, task.id)[1].get(version) == (labels[name],)
    return right / len(labels)


def _read_labels(batch: Path) -> dict[str, str]:
    with (batch / "labels.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row["label"] for row in csv.DictReader(file)}
