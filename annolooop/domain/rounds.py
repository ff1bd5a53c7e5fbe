"""What people are asked together: rounds of tasks, and pages of the contact sheet."""

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


@dataclass(frozen=True)
class Tile:
    """One picture of a page.

    Attributes:
        task: id of its Label Studio task.
        twins: ids of tasks whose pictures are nearly the same; they get the same answer.
        key: of the image in the store.
        sha256: its content hash.
        label: the current version's most probable label.
        second: its second most probable label.
        score: probability of ``label``, 0 to 1.
    """

    task: int
    twins: tuple[int, ...]
    key: str
    sha256: str
    label: str
    second: str
    score: float


@dataclass(frozen=True)
class Page:
    """Tiles that share a predicted label.

    Attributes:
        number: of the page, from 1; a server counts its pages.
        label: that they share.
        tiles: in the order in which they are shown.
        left: images that are left to judge, with those of this page.
    """

    number: int
    label: str
    tiles: tuple[Tile, ...]
    left: int


@dataclass(frozen=True)
class Saved:
    """What became of the answers of a page.

    Attributes:
        annotations: task -> id of its new annotation.
        known: tasks that this person had answered before: nothing was added.
        taken: tasks that somebody else answered meanwhile: nothing was added.
        failed: task -> why its answer could not be saved; it is to be sent again.
    """

    annotations: dict[int, int]
    known: tuple[int, ...]
    taken: tuple[int, ...]
    failed: dict[int, str]
