"""Figures about people and labels."""

from dataclasses import dataclass, field

from annolooop.domain.versions import Estimate


@dataclass(frozen=True)
class PairAgreement:
    """Two people who answered the same images.

    Attributes:
        first, second: their e-mail addresses, or ``user 7``.
        images: that both answered.
        same: of these, answered the same, label for label.
        kappa: Cohen's.
    """

    first: str
    second: str
    images: int
    same: int
    kappa: Estimate


@dataclass(frozen=True)
class PersonAgreement:
    """One person against the others.

    Attributes:
        images: that they answered.
        shared: of these, answered by others too.
        alpha: Krippendorff's, where one answer of each pair is theirs.
    """

    images: int
    shared: int
    alpha: Estimate


@dataclass(frozen=True)
class Agreement:
    """How far people agree about images that several of them answered.

    Attributes:
        images: that at least two people answered.
        same: of these, all the same, label for label.
        alpha: Krippendorff's, nominal.
        labels: the same of each label against all others.
        people: by e-mail address, or ``user 7``; those who share an image with others.
        pairs: of people who share images, most images first.
    """

    images: int
    same: int
    alpha: Estimate
    labels: dict[str, Estimate] = field(default_factory=dict)
    people: dict[str, PersonAgreement] = field(default_factory=dict)
    pairs: tuple[PairAgreement, ...] = ()


@dataclass(frozen=True)
class SplitCounts:
    """Images in each part of the split."""

    train: int
    holdout: int
