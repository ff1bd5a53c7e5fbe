"""A round in one command: learn from the answers, predict anew, ask the next ones."""

from collections.abc import Callable
from dataclasses import dataclass
from shlex import quote

from annolooop.domain.progress import Track
from annolooop.errors import DataError
from annolooop.loop.cycle.steps import Steps, own_queue
from annolooop.loop.dataset.datasets import LaunchReport, launch
from annolooop.loop.infer.infer import InferOptions, InferReport, infer
from annolooop.loop.infer.query import Query
from annolooop.loop.rounds.next_step import ROUND, LoopState
from annolooop.loop.rounds.queue import Queue
from annolooop.loop.train.train import TrainReport, train
from annolooop.loop.train.training_set import TooFewLabels
from annolooop.stack import Stack


@dataclass(frozen=True)
class NextReport:
    """One round.

    Attributes:
        train: what was learnt; ``None`` where the labels are too few to learn from.
        too_few: why, in that case.
        infer: what was predicted and chosen; ``None`` where the queue is still open, and nothing
            new was learnt.
        launch: where people label.
        seconds: of each step.
        sheets: people may also judge many images at a time.
        judged: images that people judged on a contact sheet; ``None`` without one.
    """

    dataset: str
    train: TrainReport | None
    too_few: str
    infer: InferReport | None
    launch: LaunchReport
    seconds: dict[str, float]
    judged: int | None = None
    sheets: bool = False

    @property
    def state(self) -> LoopState:
        """The loop while people label what was chosen; or where nothing is left."""
        if self.train and self.infer and self.infer.query and not self.infer.query.round:
            return self.train.state
        return self.launch.state

    @property
    def exit_code(self) -> int:
        """6 when the gate refused the new version, as of `train --rerun`."""
        return self.train.exit_code if self.train else 0


def next_round(
    stack: Stack,
    count: int | None,
    browser: bool,
    say: Callable[[str], None],
    track: Track,
    sheet: Callable[[], int] | None = None,
) -> NextReport:
    """Learn from what was answered, predict all images anew, and choose what to ask next.

    Each step is a command, and does only what is left to do. A queue that the current version
    chose stays while something of it is left to do: repeated, this opens it again.

    Args:
        stack: the annotation loop.
        count: tasks to choose; default: as many as last time, or 50.
        browser: open the browser.
        say: shows each step and the command that it is.
        track: shows how far it is.
        sheet: shows a contact sheet in place of the queue. Returns how many images were judged.

    Raises:
        DataError: there is no model, or nothing is labelled yet.
        AnnoloopError: as each of the commands does.
    """
    name = stack.config.dataset.name
    current = stack.registry.current()
    if current is None:
        raise DataError(
            f"{name} has no model version yet", "Begin: annoloop start FOLDER --labels cat,dog"
        )
    queue = own_queue(stack)
    size = count or queue.asked or ROUND
    asks = f"annoloop infer --rerun --query {size}"
    commands = [
        "annoloop train --rerun",
        "annoloop infer --rerun" if sheet else asks,
        "annoloop dataset sheet" if sheet else f"annoloop dataset launch {quote(name)}",
    ]
    typed = "annoloop next --sheet" if sheet else f"annoloop next {count or ''}".rstrip()
    steps = Steps(commands, typed, say)
    trained, too_few = None, ""
    with steps.step("learn from the answers"):
        try:
            trained = train(stack, True, track)
        except TooFewLabels as error:
            too_few = error.message
    if sheet:
        return _with_sheet(stack, steps, trained, too_few, sheet, track)
    inferred = None
    with steps.step("predict anew, and choose what to ask next"):
        version = trained.model_version if trained else current.name
        if size == queue.asked and _stays(queue, version):
            say("the queue is still open: it stays")
        else:
            inferred = infer(stack, None, InferOptions(rerun=True, query=Query(size)), track)
    with steps.step("the browser"):
        launched = launch(stack, name, browser)
    sheets = bool(trained) and stack.config.dataset.choice == "single"
    return NextReport(name, trained, too_few, inferred, launched, steps.seconds, sheets=sheets)


def _with_sheet(
    stack: Stack,
    steps: Steps,
    trained: TrainReport | None,
    too_few: str,
    sheet: Callable[[], int],
    track: Track,
) -> NextReport:
    """The rest of a round whose answers people give on a contact sheet."""
    with steps.step("predict anew"):
        inferred = infer(stack, None, InferOptions(rerun=True), track)
    with steps.step("many images at a time"):
        judged = sheet()
    name = stack.config.dataset.name
    launched = launch(stack, name, False)
    return NextReport(name, trained, too_few, inferred, launched, steps.seconds, judged)


def _stays(queue: Queue, version: str) -> bool:
    """Whether something is left of a queue that this version chose."""
    return bool(queue.left) and queue.version == version and not queue.interrupted
