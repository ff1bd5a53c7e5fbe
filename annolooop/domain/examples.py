"""Labelled images, for training and for the holdout."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from annolooop.domain.annotations import Annotation
from annolooop.domain.answers import Disputed, resolve
from annolooop.domain.split import split_of


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


@dataclass(frozen=True)
class Rules:
    """How annotations become labels.

    Attributes:
        labels: the dataset's, in their order; where none are known, all are.
        choice: ``single`` or ``multiple``.
        agreement: whose answer counts, see :func:`resolve`.
        holdout: share of contents in the holdout.
        recorded: content hash -> part of the split, see :func:`split_of`.
        other: answers that people may give and that are no labels.
    """

    labels: tuple[str, ...]
    choice: str
    agreement: str
    holdout: float
    recorded: Mapping[str, str] = field(default_factory=dict)
    other: tuple[str, ...] = ()

    def foreign(self, labels: Iterable[str]) -> str:
        """One of these that is neither a label nor another answer; empty where all are."""
        known = {*self.labels, *self.other}
        return next((x for x in labels if self.labels and x not in known), "")


@dataclass(frozen=True)
class Labelled:
    """What follows from the answers about images of the store.

    Attributes:
        examples: by content hash; all their labels are the dataset's.
        disputed: content hash -> reason, of images that people disagree about.
        unknown: content hash -> reason, of images with a label that the dataset does not have.
        other: content hash -> the answer, of images about which people gave another answer.
    """

    examples: list[Example] = field(default_factory=list)
    disputed: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    other: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def left_out(self) -> dict[str, str]:
        """Content hash -> reason of images that people answered about, and that have no label."""
        return {**self.disputed, **self.unknown}


def build_examples(annotations: Iterable[Annotation], rules: Rules) -> Labelled:
    """Labelled images, one for each content, whatever the number of its keys and tasks.

    Tasks without an image of the store are left out. What a model learns from and what is exported
    are these examples: a label that the dataset does not have is in neither.
    """
    contents: dict[str, list[Annotation]] = defaultdict(list)
    for annotation in annotations:
        if annotation.sha256:
            contents[annotation.sha256].append(annotation)
    found = Labelled()
    for sha256, answers in sorted(contents.items()):
        try:
            labels = resolve(answers, rules.choice, rules.agreement)
        except Disputed as error:
            found.disputed[sha256] = str(error)
            continue
        if labels is None:
            continue
        if foreign := rules.foreign(labels):
            found.unknown[sha256] = f"its label {foreign!r} is not in dataset.labels"
        elif set(labels) & set(rules.other):
            found.other[sha256] = labels
        else:
            key = max(answers, key=lambda a: (a.updated_at, a.id)).key
            split = split_of(sha256, rules.holdout, rules.recorded)
            found.examples.append(Example(key, sha256, labels, split))
    return found


def find_accepted(annotations: Sequence[Annotation], rules: Rules) -> list[Example]:
    """Images whose only label is a prediction that was accepted unseen, by content hash.

    No model is trained on them or judged by them: they only repeat a model. A person's answer,
    also a skip, takes their place.
    """
    answered = {a.sha256 for a in annotations if not a.accepted}
    accepted = {
        a.sha256: Example(
            a.key,
            a.sha256,
            a.labels,
            split_of(a.sha256, rules.holdout, rules.recorded),
            a.accepted,
        )
        for a in sorted(annotations, key=lambda a: (a.updated_at, a.id))
        if a.sha256
        and a.accepted
        and a.sha256 not in answered
        and not rules.foreign(a.labels)
        and (a.labels or rules.choice == "multiple")
    }
    return [accepted[sha256] for sha256 in sorted(accepted)]


def can_teach(examples: Iterable[Example], choice: str) -> bool:
    """Whether a model can learn from the examples that are not of the holdout.

    Single choice needs two labels that images have; multiple choice needs one that some have and
    others do not have.
    """
    given = [set(example.labels) for example in examples if example.split == "train"]
    anywhere: set[str] = set().union(*given)
    if choice == "multiple":
        return any(label not in one for one in given for label in anywhere)
    return len(anywhere) > 1


def fingerprint(examples: Iterable[Example]) -> str:
    """Hash of the (content, labels) pairs: it changes when a label is added or corrected."""
    pairs = sorted((example.sha256, example.labels) for example in examples)
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:16]
