"""The queue: which tasks people are asked next, and in which order Label Studio serves them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.rounds import Round
from annolooop.labelstudio.api.data_manager import condition
from annolooop.labelstudio.api.views import OUR_TITLES
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.series import NUMBER, Series

TITLE = f"{OUR_TITLES}next to label"  # of the tab
FIELD = "queue"  # in a task's data: which round asked for it last, and at which place
ROUND = re.compile(r"r(\d{4,})-")  # how the marks of a round begin
UNANSWERED = condition("annotations_ids", "empty", "Boolean", True)
ANSWERED = condition("total_annotations", "greater", "Number", 0)
UNFINISHED = condition("completed_at", "empty", "Datetime", True)


def rounds_of(stack: Stack, name: str) -> Series[Round]:
    """All queries of a dataset."""
    return Series(stack.store, f"{DATASETS}/{name}/rounds", Round, NUMBER)


def open_round(stack: Stack, asked: Round, earlier: Sequence[Round]) -> Round:
    """Note what is asked next, and make it the queue; what was asked before leaves it.

    The note comes first, since its number is what sets the tasks apart from those of other
    rounds. Who is interrupted asks again, and gets a round of its own.

    Args:
        stack: the annotation loop.
        asked: with no number yet.
        earlier: all queries before it.

    Returns:
        It, with its number.
    """
    name, studio = stack.config.dataset.name, stack.studio
    project = int(asked.project.partition(" ")[0])
    once = {task for one in earlier for task in one.twice} & set(asked.query) - set(asked.twice)
    # Of two that ask at the same time, the tab shows the one with the higher number.
    with stack.lock("query") as lease:
        number = rounds_of(stack, name).append(asked)
        marks = {task: f"{_prefix(number)}{at:05d}" for at, task in enumerate(asked.query, start=1)}
        with lease.guard():
            studio.tasks.set_value(project, FIELD, marks)
        for people, tasks in ((2, asked.twice), (1, sorted(once))):
            for task in tasks:
                with lease.guard():
                    studio.tasks.set_overlap(task, people)
        with lease.guard():
            studio.projects.serve_in_order(project)
            studio.views.put(
                project, TITLE, [_of_round(number)], [f"tasks:data.{FIELD}"], first=True
            )
    return replace(asked, number=number)


@dataclass(frozen=True)
class Queue:
    """Where people annotate.

    Attributes:
        url: of the queue while it has something to ask, or else of the whole project.
        round: number of the queue; 0 where there is none.
        asked: its tasks.
        left: of these, that nobody annotated or skipped.
        waiting: of these, that were answered once, and should be by two people.
        interrupted: number of a later query that was interrupted before it became the queue, and
            may have taken tasks out of this one; 0 where there is none.
    """

    url: str
    round: int = 0
    asked: int = 0
    left: int = 0
    waiting: int = 0
    interrupted: int = 0


def find_queue(stack: Stack, name: str, project: ProjectCounts) -> Queue:
    """Where people annotate a dataset: its queue, unless all of it is answered."""
    plain = stack.studio.projects.stream_url(project.id)
    newest = rounds_of(stack, name).latest()
    if newest is None or newest.project != project.identity:
        return Queue(plain)
    view = stack.studio.views.find(project.id, TITLE)
    if view is None:  # people deleted it
        return Queue(plain)
    shown = _shown(stack, name, newest, view.conditions)
    mine = _of_round(shown.number)
    left = stack.studio.tasks.count(project.id, [mine, UNANSWERED])
    waiting = 0
    if shown.twice:
        conditions = [mine, ANSWERED, UNFINISHED]
        waiting = stack.studio.tasks.count(project.id, conditions)
    url = stack.studio.views.labelling_url(project.id, view.id) if left or waiting else plain
    interrupted = newest.number if shown is not newest else 0
    return Queue(url, shown.number, len(shown.query), left, waiting, interrupted)


def _shown(
    stack: Stack, name: str, newest: Round, conditions: Sequence[Mapping[str, object]]
) -> Round:
    """The round that the tab shows: an earlier one, where a query was interrupted since."""
    column = _of_round(newest.number)["filter"]
    values = (str(one.get("value")) for one in conditions if one.get("filter") == column)
    match = next((m for value in values if (m := ROUND.fullmatch(value))), None)
    number = int(match[1]) if match else newest.number
    rounds = rounds_of(stack, name)
    if number == newest.number or number not in rounds.numbers():
        return newest
    return rounds.read(number)


def place_between(many: Sequence[int], few: Sequence[int]) -> list[int]:
    """Both in their own order, the few evenly among the many."""
    total = len(many) + len(few)
    places = {int((at + 0.5) * total / len(few)) for at in range(len(few))}
    ones, others = iter(many), iter(few)
    return [next(others) if at in places else next(ones) for at in range(total)]


def _prefix(number: int) -> str:
    return f"r{number:04d}-"


def _of_round(number: int) -> dict[str, object]:
    return condition(f"data.{FIELD}", "contains", "String", _prefix(number))
