"""Whose answer counts: the labels of an image, out of what people answered."""

from collections import Counter
from collections.abc import Iterable, Sequence

from annolooop.domain.annotations import Annotation


class Disputed(Exception):
    """People give different answers, and the rule asks for one that all give."""

    def __init__(self, answers: Iterable[Sequence[str]]) -> None:
        each = sorted({" + ".join(labels) or "none" for labels in answers})
        super().__init__(f"people disagree: {', '.join(each)}")


def resolve(
    annotations: Iterable[Annotation], choice: str, agreement: str
) -> tuple[str, ...] | None:
    """The labels of one image, by the answers of people.

    Skips are no answers, nor is an empty annotation with single choice; with multiple choice it
    means "none of the labels". Predictions that were accepted unseen are no answers either, see
    :func:`find_accepted`. Each annotator has one vote, their latest answer. Ground truth beats
    votes; of several, the latest counts.

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
        (
            a
            for a in annotations
            if not a.skipped and not a.accepted and (a.labels or choice == "multiple")
        ),
        key=lambda a: (a.updated_at, a.id),
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
