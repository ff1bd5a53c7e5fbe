"""The next command to type, from the state of the loop."""

from dataclasses import dataclass
from shlex import quote
from typing import NamedTuple

NEXT = "annoloop next"
ROUND = 50  # tasks of a round, where no earlier one says how many people like


class Step(NamedTuple):
    """A command that works as it stands (FOLDER is a folder of images), and why, or what else."""

    command: str
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class LoopState:
    """What a command knows of the loop. Where it knows nothing, the default stands.

    Attributes:
        dataset: its name.
        own: it is the stack file's, which `train`, `infer` and `sync` are about.
        folder: of the stack file, where it is not the current one.
        bucket: the store is a bucket that is not set up yet.
        running: Label Studio answers.
        looked: the command looked at the loop; if not, `stats` does so.
        model: there is a version; ``None`` where that is not known.
        pulled: there is a snapshot of what people answered.
        relabelled: ``dataset.labels`` are others than that version's.
        tasks: of the project; ``None`` where that is not known.
        to_do: of these, neither labelled nor skipped; likewise.
        news: labels differ from those that the version learnt; likewise.
        refused: version that learnt them, and that the gate refused; empty where there is none.
        doubt: why labels may be wrong, where a command found that.
        enough: there are labels of several kinds, so that a version can learn from them.
        stale: tasks have predictions by other versions only.
        sent: predictions went to Label Studio.
        batch: the only part of the dataset that was looked at, empty for all of it; ``None`` where
            the state is not that after an `infer`.
        asked: tasks of the last round; 0 where there was none, ``None`` where that is not known.
        left: of these, to do.
        opened: people see where to label.
        snapshot: number of one that a command listed; 0 for none.
        measured: the holdout has enough labelled images to tell how good the version is.
    """

    dataset: str = ""
    own: bool = True
    folder: str = ""
    bucket: bool = False
    running: bool = True
    looked: bool = True
    model: bool | None = True
    pulled: bool = True
    relabelled: bool = False
    tasks: int | None = None
    to_do: int | None = None
    news: bool | None = False
    refused: str = ""
    doubt: str = ""
    enough: bool = True
    stale: bool = False
    sent: bool = True
    batch: str | None = None
    asked: int | None = None
    left: int = 0
    opened: bool = False
    snapshot: int = 0
    measured: bool = True


def next_step(state: LoopState) -> Step:
    """The command that takes the loop on; where little is known, one that is right anyway."""
    launch = Step(f"annoloop dataset launch {quote(state.dataset)}")
    if state.bucket or not state.running:
        start = "annoloop storage setup" if state.bucket else "annoloop up"
        return Step(f"cd {quote(state.folder)} && {start}" if state.folder else start)
    if state.snapshot:
        export = f"annoloop dataset export {quote(state.dataset)} --snapshot {state.snapshot}"
        file = f"snapshot-{state.snapshot}.csv"
        return Step(f"{export} --format csv --out {file}", "to see what is in it")
    if state.doubt:
        return Step("annoloop dataset review" + _other(state), state.doubt)
    if state.opened and (state.left or not state.asked):
        return _while_labelling(state)
    if not state.own:
        return launch if state.to_do else _of_other(state)
    if not state.model:
        return Step("annoloop train")
    if not state.pulled:
        return Step("annoloop sync", "to pull what people answered")
    if not state.looked:
        return Step("annoloop stats", "to see where the loop is")
    if state.relabelled:
        return Step("annoloop train --rerun", "to predict the labels that the dataset has now")
    if not state.sent:
        return Step(f"annoloop infer{_batch(state)}", "to show people the predictions")
    if state.tasks == 0:
        return Step("annoloop infer --batch FOLDER", "to make tasks of a folder of images")
    if state.left and state.to_do != 0:
        review = f"{state.refused} was refused; to look for wrong labels: annoloop dataset review"
        return launch._replace(why=review if state.refused else "")
    if state.refused:
        insist = f"annoloop model promote {state.refused.partition('-')[0]}"
        why = f"{state.refused} was refused: some labels may be wrong; to insist: {insist}"
        return Step("annoloop dataset review", why)
    if state.news is not False and state.enough:
        if state.to_do and state.asked == 0:
            return launch._replace(why="or learn from what is labelled: annoloop train --rerun")
        if state.asked and state.to_do != 0:
            return Step(NEXT, f"= train --rerun, then infer --rerun --query {state.asked}")
        return Step("annoloop train --rerun")
    if state.to_do == 0:
        return _all_done(state)
    if state.batch is not None:
        return _after_infer(state, launch)
    query = f"--query {state.asked or ROUND}"
    if state.stale:
        return Step(f"annoloop infer --rerun {query}", "to predict anew, and to choose what to ask")
    if state.asked:
        return Step(f"annoloop infer {query}", "to choose the next round")
    return launch


def after_sheet(dataset: str, more: bool) -> Step:
    """The command after a contact sheet, which knows nothing of the rest of the loop.

    Args:
        dataset: its name.
        more: something was judged, or may be.
    """
    again = Step("annoloop next --sheet", "learns from them, and shows the next")
    return again if more else next_step(LoopState(dataset=dataset, looked=False))


def _while_labelling(state: LoopState) -> Step:
    if state.asked and state.own:
        return Step(NEXT, "after labelling: learns from it, and asks the next")
    return Step(f"annoloop dataset stats {quote(state.dataset)}", "after annotating")


def _other(state: LoopState) -> str:
    """The name, where a command would take the stack file's otherwise."""
    return "" if state.own else f" {quote(state.dataset)}"


def _of_other(state: LoopState) -> Step:
    """Nothing is to be done in another dataset, or that is not known."""
    if state.to_do is None:
        return Step(f"annoloop dataset describe {quote(state.dataset)}")
    file = quote(f"{state.dataset.replace(' ', '_')}.csv")
    return Step(f"annoloop dataset export {quote(state.dataset)} --format csv --out {file}")


def _all_done(state: LoopState) -> Step:
    add = "annoloop infer --batch FOLDER"
    if not state.enough:
        return Step(add, "to add images: no task is left, and the labels are too few to learn from")
    if not state.measured:
        return Step(add, "to add images: no task is left, and the holdout is too small")
    return Step("annoloop report", f"no task is left; to add images: {add}")


def _after_infer(state: LoopState, launch: Step) -> Step:
    if state.stale:
        return Step(f"annoloop infer{_batch(state)} --rerun", "to predict them anew")
    return launch


def _batch(state: LoopState) -> str:
    return f" --batch {quote(state.batch)}" if state.batch else ""
