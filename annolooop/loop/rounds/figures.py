"""Figures of a round."""

from collections.abc import Iterable
from dataclasses import dataclass

from annolooop.domain.annotations import Annotation
from annolooop.domain.answers import is_answer
from annolooop.domain.rounds import Round
from annolooop.loop.rounds.queue import rounds_of
from annolooop.stack import Stack


@dataclass(frozen=True)
class RoundStats:
    """The last round: tasks that were asked, of these those for the holdout, and those answered."""

    number: int
    created_at: str
    strategy: str
    asked: int
    holdout: int
    answered: int


def last_round(
    stack: Stack, name: str, annotations: Iterable[Annotation], choice: str
) -> RoundStats | None:
    """What was asked last, and how much of it is answered or skipped."""
    newest = rounds_of(stack, name).latest()
    return round_stats(newest, annotations, choice) if newest else None


def round_stats(one: Round, annotations: Iterable[Annotation], choice: str) -> RoundStats:
    """How much of a round is answered or skipped.

    Args:
        one: the round.
        annotations: of the dataset.
        choice: ``single`` or ``multiple``, see :func:`is_answer`.
    """
    done = {a.task for a in annotations if a.skipped or is_answer(a, choice)}
    answered = done & set(one.query)
    return RoundStats(
        one.number,
        one.created_at,
        one.strategy,
        len(one.query),
        len(one.holdout),
        len(answered),
    )
