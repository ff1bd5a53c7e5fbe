"""Rounds: what people were asked."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Round:
    """What one query asked for.

    Attributes:
        number: its place in the dataset's history, from 1.
        created_at: ISO 8601.
        project: identity of the Label Studio project whose tasks they are.
        version: the model version that was asked.
        strategy: what chose: of ``auto``, what it took.
        why: in words.
        query: ids of the tasks, in the order in which they are asked.
        holdout: of these, that no strategy chose.
        twice: ids of those that two people are asked.
    """

    number: int
    created_at: str
    project: str
    version: str
    strategy: str
    why: str
    query: tuple[int, ...]
    holdout: tuple[int, ...] = ()
    twice: tuple[int, ...] = ()
