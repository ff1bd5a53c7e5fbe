"""How far people agree, of the annotations of a snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from annolooop.domain.annotations import Annotation
from annolooop.domain.figures import Agreement, PairAgreement, PersonAgreement
from annolooop.domain.versions import Estimate

if TYPE_CHECKING:
    from annolooop.model.judging.agreement import Answers

Said = dict[int, dict[str, tuple[str, ...]]]  # user id -> content hash -> labels


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
        names: user id -> how to call someone, as `Studio.people` tells.
    """
    said = _answers(annotations, choice)
    shared = _shared(said)
    if not shared:
        return Agreement(0, 0, Estimate())
    # Numpy is loaded where there is something to compare.
    from annolooop.model.judging import agreement as measure

    people = sorted(who for who, given in said.items() if given.keys() & shared)
    images = sorted(shared)
    given = {label for who in people for answer in said[who].values() for label in answer}
    order = [*labels, *sorted(given - set(labels))]
    answers = _arrays(said, people, images, order)
    called = {who: (names or {}).get(who, f"user {who}") for who in people}
    return Agreement(
        images=len(images),
        same=sum(len({said[w][i] for w in people if i in said[w]}) == 1 for i in images),
        alpha=measure.alpha(answers),
        labels=dict(zip(order, measure.alpha_of_labels(answers), strict=True)),
        people={
            called[who]: PersonAgreement(
                len(said[who]),
                len(said[who].keys() & shared),
                measure.alpha_of_person(answers, row),
            )
            for row, who in enumerate(people)
        },
        pairs=_pairs(said, people, called, answers),
    )


def _answers(annotations: Iterable[Annotation], choice: str) -> Said:
    said: Said = defaultdict(dict)
    for a in sorted(annotations, key=lambda a: (a.updated_at, a.id)):
        if a.sha256 and a.annotator is not None and not a.skipped and not a.accepted:
            if choice == "multiple":
                said[a.annotator][a.sha256] = a.labels
            elif a.labels:
                said[a.annotator][a.sha256] = a.labels[:1]
    return dict(said)


def _shared(said: Said) -> set[str]:
    """Images that at least two people answered."""
    seen: set[str] = set()
    twice: set[str] = set()
    for given in said.values():
        twice |= seen & given.keys()
        seen |= given.keys()
    return twice


def _arrays(
    said: Said, people: Sequence[int], images: Sequence[str], labels: Sequence[str]
) -> Answers:
    import numpy as np

    from annolooop.model.judging.agreement import Answers

    gave = np.zeros((len(people), len(images), len(labels)), bool)
    answered = np.zeros((len(people), len(images)), bool)
    column = {label: k for k, label in enumerate(labels)}
    for row, who in enumerate(people):
        for place, image in enumerate(images):
            answer = said[who].get(image)
            if answer is not None:
                answered[row, place] = True
                gave[row, place, [column[label] for label in answer]] = True
    return Answers(gave, answered)


def _pairs(
    said: Said, people: Sequence[int], called: Mapping[int, str], answers: Answers
) -> tuple[PairAgreement, ...]:
    from annolooop.model.judging.agreement import kappa

    found = []
    for (i, first), (j, second) in combinations(enumerate(people), 2):
        both = said[first].keys() & said[second].keys()
        if both:
            same = sum(said[first][image] == said[second][image] for image in both)
            estimate = kappa(answers, i, j)
            found.append(PairAgreement(called[first], called[second], len(both), same, estimate))
    return tuple(sorted(found, key=lambda pair: -pair.images))
