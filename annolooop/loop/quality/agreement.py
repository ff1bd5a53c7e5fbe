"""How far people agree, of the annotations of a snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from annolooop.domain.annotations import Annotation
from annolooop.domain.answers import is_answer
from annolooop.domain.figures import Agreement, PairAgreement, PersonAgreement
from annolooop.domain.versions import Estimate

if TYPE_CHECKING:
    from annolooop.model.judging.agreement import Answers

AnswersByPerson = dict[int, dict[str, tuple[str, ...]]]  # user id -> content hash -> labels


def agreement(
    annotations: Iterable[Annotation],
    labels: Sequence[str],
    choice: str,
    names: Mapping[int, str] | None = None,
) -> Agreement:
    """Compare the answers of people about the same images.

    Of each person the last answer about an image counts. Skips are no answers, nor is an empty one
    with single choice, nor what was accepted from a model.

    Args:
        annotations: of one snapshot.
        labels: of the dataset; others that people gave follow them.
        choice: ``single`` or ``multiple``.
        names: user id -> how to call someone.
    """
    by_person = _answers(annotations, choice)
    shared = _shared(by_person)
    if not shared:
        return Agreement(0, 0, Estimate())
    # Numpy is loaded where there is something to compare.
    from annolooop.model.judging.agreement import alpha, alpha_of_labels, alpha_of_person

    people = sorted(who for who, own in by_person.items() if own.keys() & shared)
    images = sorted(shared)
    used = {label for who in people for answer in by_person[who].values() for label in answer}
    order = [*labels, *sorted(used - set(labels))]
    arrays = _arrays(by_person, people, images, order)
    called = {who: (names or {}).get(who, f"user {who}") for who in people}
    return Agreement(
        images=len(images),
        same=sum(len({by_person[w][i] for w in people if i in by_person[w]}) == 1 for i in images),
        alpha=alpha(arrays),
        labels=dict(zip(order, alpha_of_labels(arrays), strict=True)),
        people={
            called[who]: PersonAgreement(
                len(by_person[who]),
                len(by_person[who].keys() & shared),
                alpha_of_person(arrays, row),
            )
            for row, who in enumerate(people)
        },
        pairs=_pairs(by_person, people, called, arrays),
    )


def _answers(annotations: Iterable[Annotation], choice: str) -> AnswersByPerson:
    by_person: AnswersByPerson = defaultdict(dict)
    for a in sorted(annotations, key=lambda a: (a.updated_at, a.id)):
        if a.sha256 and a.annotator is not None and is_answer(a, choice):
            labels = a.labels if choice == "multiple" else a.labels[:1]
            by_person[a.annotator][a.sha256] = labels
    return dict(by_person)


def _shared(by_person: AnswersByPerson) -> set[str]:
    """Images that at least two people answered."""
    once: set[str] = set()
    twice: set[str] = set()
    for own in by_person.values():
        twice |= once & own.keys()
        once |= own.keys()
    return twice


def _arrays(
    by_person: AnswersByPerson, people: Sequence[int], images: Sequence[str], labels: Sequence[str]
) -> Answers:
    import numpy as np

    from annolooop.model.judging.agreement import Answers

    gave = np.zeros((len(people), len(images), len(labels)), bool)
    answered = np.zeros((len(people), len(images)), bool)
    column = {label: k for k, label in enumerate(labels)}
    for row, who in enumerate(people):
        for position, image in enumerate(images):
            answer = by_person[who].get(image)
            if answer is not None:
                answered[row, position] = True
                gave[row, position, [column[label] for label in answer]] = True
    return Answers(gave, answered)


def _pairs(
    by_person: AnswersByPerson, people: Sequence[int], called: Mapping[int, str], arrays: Answers
) -> tuple[PairAgreement, ...]:
    from annolooop.model.judging.agreement import kappa

    pairs = []
    for (i, first), (j, second) in combinations(enumerate(people), 2):
        both = by_person[first].keys() & by_person[second].keys()
        if both:
            same = sum(by_person[first][image] == by_person[second][image] for image in both)
            estimate = kappa(arrays, i, j)
            pairs.append(PairAgreement(called[first], called[second], len(both), same, estimate))
    return tuple(sorted(pairs, key=lambda pair: -pair.images))
