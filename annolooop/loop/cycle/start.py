"""From a folder of images to the first tasks in the browser: the first commands in one."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from annolooop.domain.picture_kinds import HEIC_HINT
from annolooop.domain.progress import Track
from annolooop.errors import DataError, UsageError, did_you_mean
from annolooop.files.names import typed_path
from annolooop.loop.cycle.steps import Steps, own_queue
from annolooop.loop.cycle.weights import up_with_weights
from annolooop.loop.dataset.datasets import LaunchReport, launch
from annolooop.loop.infer.infer import InferOptions, InferReport, infer
from annolooop.loop.infer.query import Query
from annolooop.loop.rounds.next_step import LoopState
from annolooop.loop.setup.init import InitReport
from annolooop.loop.setup.server import UpReport
from annolooop.loop.train.train import TrainReport, train
from annolooop.stack import Stack
from annolooop.storage.images import HEIC_SUFFIXES, is_image_name, suffix_of

NAME_LENGTH = 50  # of a dataset, at most


@dataclass(frozen=True)
class StartReport:
    """The loop once people can begin to label.

    Attributes:
        stack_file: its path.
        init: what was written where there was no stack file.
        up, train, infer, launch: the report of each command.
        seconds: of each step.
    """

    dataset: str
    stack_file: str
    init: InitReport | None
    up: UpReport
    train: TrainReport
    infer: InferReport
    launch: LaunchReport
    seconds: dict[str, float]

    @property
    def state(self) -> LoopState:
        """The loop while people label what was chosen."""
        return self.launch.state


@dataclass(frozen=True)
class Proposal:
    """What a folder of images suggests: a name, and the labels that its sub-folders are called."""

    name: str
    labels: tuple[str, ...]


def propose(photos: str) -> Proposal:
    """What a dataset of this folder may be called, and its labels.

    Args:
        photos: a folder of this machine.

    Raises:
        UsageError: there is no such folder.
        DataError: it holds no images.
    """
    folder = typed_path(photos)
    if not folder.is_dir():
        beside = [p.name for p in folder.parent.iterdir()] if folder.parent.is_dir() else []
        meant = did_you_mean(folder.name, beside)
        raise UsageError(
            f"there is no folder {photos}{meant}", "Name a folder of images: annoloop start FOLDER"
        )
    labels, images, heic = set[str](), 0, False
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        heic = heic or any(suffix_of(name) in HEIC_SUFFIXES for name in names)
        count = sum(is_image_name(name) for name in names if not name.startswith("."))
        below = Path(where).relative_to(folder).parts
        if count and below:
            labels.add(below[0])
        images += count
    if not images:
        raise DataError(
            f"{photos} holds no image files",
            f"{HEIC_HINT}, then type the same command again." if heic else "Name another folder.",
        )
    return Proposal(_name_of(folder), tuple(sorted(labels)) if len(labels) > 1 else ())


def _name_of(folder: Path) -> str:
    """The folder's name, as far as it can be that of a dataset."""
    name = re.sub(r"[^\w .-]+", " ", folder.resolve().name)[:NAME_LENGTH].strip(" .-")
    return name if len(name) > 2 else f"{name or 'my'} images"


def start(
    stack: Stack,
    load: Callable[[], Stack],
    photos: str,
    init: InitReport | None,
    count: int,
    browser: bool,
    watch: bool,
    say: Callable[[str], None],
    track: Track,
) -> StartReport:
    """Start Label Studio, predict a folder, choose what to label first, and open it.

    Each step is a command, and does only what is left to do: repeated, it goes on where it was.
    What was asked already stays, and `next` asks more.

    Args:
        stack: the annotation loop.
        load: opens it again, where its file was changed.
        photos: folder of images, or a prefix of the store.
        init: how the stack file came to be, if it was made for this.
        count: tasks to choose, or all if there are fewer.
        browser: open the browser.
        watch: back Label Studio up once a day, as `up` does.
        say: shows each step and the command that it is.
        track: shows how far it is.

    Raises:
        AnnoloopError: as each of the commands does.
    """
    file, name = stack.loaded.file, stack.config.dataset.name
    steps = Steps(
        [
            "annoloop up",
            "annoloop train",
            f"annoloop infer {quote(photos)} --query {count}",
            f"annoloop dataset launch {quote(name)}",
        ],
        f"annoloop start {quote(photos)}",
        say,
    )
    with steps.step("Label Studio and the weights of the model"):
        stack, upped = up_with_weights(stack, load, say, watch)
    with steps.step("the first model version"):
        trained = train(stack, False, track)
    with steps.step("images, predictions, and what to label first"):
        asked = None if _has_queue(stack) else Query(count)
        inferred = infer(stack, photos, InferOptions(query=asked), track)
    with steps.step("the browser"):
        launched = launch(stack, name, browser)
    return StartReport(
        dataset=name,
        stack_file=str(file),
        init=init,
        up=upped,
        train=trained,
        infer=inferred,
        launch=launched,
        seconds=steps.seconds,
    )


def _has_queue(stack: Stack) -> bool:
    """Whether people were asked something already; what comes after that is `next`'s."""
    queue = own_queue(stack)
    return bool(queue.round and not queue.interrupted)
