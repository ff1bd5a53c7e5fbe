"""Whose answer counts: the labels of an image, out of what people answered."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from annolooop.domain.annotations import Annotation, by_task


class Disputed(Exception):
    """People give different answers, and the rule asks for one that all give."""

    def __init__(self, answers: Iterable[Sequence[str]]) -> None:
        each = sorted({" + ".join(labels) or "none" for labels in answers})
        super().__init__(f"people disagree: {', '.join(each)}")


def is_answer(annotation: Annotation, choice: str) -> bool:
    """Whether a person said something of an image.

    A skip says nothing, nor does what cannot be read, nor an empty annotation with single choice;
    with multiple choice it means "none of the labels". Predictions that were accepted unseen are no
    answers either, see :func:`annolooop.domain.examples.find_accepted`.
    """
    a = annotation
    person = not a.skipped and not a.accepted and not a.unreadable
    return person and bool(a.labels or choice == "multiple")


@dataclass(frozen=True)
class TaskCounts:
    """Tasks that have annotations, each counted once.

    Attributes:
        labeled: somebody answered, or a prediction was accepted.
        skipped: they were only skipped.
        empty: they have an annotation that says nothing, and no answer.
        unreadable: they have one that cannot be read, and no answer.
    """

    labeled: int = 0
    skipped: int = 0
    empty: int = 0
    unreadable: int = 0

    def to_do(self, tasks: int) -> int:
        """Of so many tasks, those that are neither labelled nor skipped."""
        return tasks - self.labeled - self.skipped


def count_tasks(annotations: Iterable[Annotation], choice: str) -> TaskCounts:
    """Count tasks by what people did with them."""
    labeled = skipped = empty = unreadable = 0
    for answers in by_task(annotations).values():
        if any(a.accepted or is_answer(a, choice) for a in answers):
            labeled += 1
        elif any(a.unreadable for a in answers):
            unreadable += 1
        elif all(a.skipped for a in answers):
            skipped += 1
        else:
            empty += 1
    return TaskCounts(labeled, skipped, empty, unreadable)


def resolve(
    annotations: Iterable[Annotation], choice: str, agreement: str
) -> tuple[str, ...] | None:
    """The labels of one image, by the answers of people.

    What counts as an answer, says :func:`is_answer`. Each annotator has one vote, their latest
    answer. Ground truth beats votes; of several, the latest counts.

    Args:
        annotations: of one image, of any number of tasks.
        choice: ``single`` or ``multiple``.
        agreement: ``majority`` (ties go to the latest answer; with multiple choice, label by
            label), ``unanimous`` or ``latest``.

    Returns:
        The labels, sorted; ``None`` when nobody answered.

    Raises:
        Disputed: answers differ under ``unanimous``.
    """
    counted = sorted(
        (a for a in annotations if is_answer(a, choice)), key=lambda a: (a.updated_at, a.id)
    )
    truths = [a for a in counted if a.ground_truth]
    if truths or agreement == "latest":
        counted = (truths or counted)[-1:]
    # Later answers replace earlier ones of the same person; nameless ones stand for themselves.
    votes = list(
        {("id", a.id) if a.annotator is None else a.annotator: a for a in counted}.values()
    )
    votes.sort(key=lambda a: (a.updated_at, a.id))
    answers = [a.labels if choice == "multiple" else a.labels[:1] for a in votes]
    if not answers:
        return None
    if agreement == "unanimous" and len(set(answers)) > 1:
        raise Disputed(answers)
    if choice == "single":
        counts = Counter(answers)
        most = max(counts.values())
        return next(answer for answer in reversed(answers) if counts[answer] == most)
    chosen = Counter(label for answer in answers for label in answer)
    return tuple(
        sorted(
            label
            for label, n in chosen.items()
            if 2 * n > len(answers) or (2 * n == len(answers) and label in answers[-1])
        )
    )
