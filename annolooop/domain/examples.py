"""Labelled images, for training and for the holdout."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from annolooop.domain.annotations import Annotation
from annolooop.domain.answers import Disputed, resolve
from annolooop.domain.split import NOWHERE, split_of


@dataclass(frozen=True)
class Example:
    """One image with its labels, on one part of the split (``train`` or ``holdout``).

    Single choice gives it exactly one label; multiple choice any number, also none. ``accepted``
    is the model version whose prediction it is, and empty for answers of people.
    """

    key: str
    sha256: str
    labels: tuple[str, ...]
    split: str
    accepted: str = ""


def build_examples(
    annotations: Iterable[Annotation],
    choice: str,
    agreement: str,
    holdout: float,
    recorded: Mapping[str, str] = NOWHERE,
) -> tuple[list[Example], dict[str, str]]:
    """Labelled images, one for each content, whatever the number of its keys and tasks.

    Args:
        annotations: of one snapshot.
        choice, agreement: as for :func:`resolve`.
        holdout: share of contents that go to the holdout.
        recorded: as for :func:`split_of`.

    Returns:
        Examples by content hash, and content hash -> reason of images that people disagree about.
        Tasks without an image of the store are left out.
    """
    contents: dict[str, list[Annotation]] = defaultdict(list)
    for annotation in annotations:
        if annotation.sha256:
            contents[annotation.sha256].append(annotation)
    examples: list[Example] = []
    disputed: dict[str, str] = {}
    for sha256, answers in sorted(contents.items()):
        try:
            labels = resolve(answers, choice, agreement)
        except Disputed as error:
            disputed[sha256] = str(error)
            continue
        if labels is not None:
            key = max(answers, key=lambda a: (a.updated_at, a.id)).key
            examples.append(Example(key, sha256, labels, split_of(sha256, holdout, recorded)))
    return examples, disputed


def find_accepted(
    annotations: Sequence[Annotation],
    choice: str,
    holdout: float,
    recorded: Mapping[str, str] = NOWHERE,
) -> list[Example]:
    """Images whose only label is a prediction that was accepted unseen, by content hash.

    No model is trained on them or judged by them: they only repeat a model. A person's answer,
    also a skip, takes their place.

    Args:
        annotations, choice, holdout, recorded: as for :func:`build_examples`.
    """
    answered = {a.sha256 for a in annotations if not a.accepted}
    accepted = {
        a.sha256: Example(
            a.key, a.sha256, a.labels, split_of(a.sha256, holdout, recorded), a.accepted
        )
        for a in sorted(annotations, key=lambda a: (a.updated_at, a.id))
        if a.sha256
        and a.accepted
        and a.sha256 not in answered
        and (a.labels or choice == "multiple")
    }
    return [accepted[sha256] for sha256 in sorted(accepted)]


def fingerprint(examples: Iterable[Example]) -> str:
    """Hash of the (content, labels) pairs: it changes when a label is added or corrected."""
    pairs = sorted((example.sha256, example.labels) for example in examples)
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:16]
