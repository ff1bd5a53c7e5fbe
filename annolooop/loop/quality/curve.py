"""Whether more labels are worth it: a learning curve, and what it forecasts."""

import time
from dataclasses import dataclass
from functools import partial
from shlex import quote

from annolooop.domain.progress import Track, left_out
from annolooop.domain.versions import Estimate
from annolooop.errors import DataError
from annolooop.loop.labels.current import read_labels
from annolooop.loop.quality.labelled import embed_labelled
from annolooop.loop.rounds.next_step import LoopState
from annolooop.model.heads.fit import learnable
from annolooop.model.judging.curve import (
    FORECAST_TIMES,
    Forecast,
    Measured,
    forecast,
    measure_curve,
)
from annolooop.stack import Stack


@dataclass(frozen=True)
class CurvePoint:
    """Accuracy with some of the labels.

    Attributes:
        labels: in all, those of the holdout too: people give both, and only the others are
            trained on.
        share: of the labels that there are.
        accuracy: with its band.
    """

    labels: int
    share: float
    accuracy: Estimate


@dataclass(frozen=True)
class CurveReport:
    """What more labels would bring.

    Attributes:
        dataset: its name.
        live, why_not_live, as_of: as in :class:`DescribeReport`.
        labels: labelled images, those of the holdout too.
        judged_by: ``holdout``, or ``out-of-fold`` where that is too small.
        judges: images that judge.
        points: accuracy at shares of the labels, the least first.
        forecast: with as many labels again.
        gain: of the forecast over all labels that there are, in shares of 1.
        verdict: the same in words.
        stop: more labels of the same kind are not worth it.
        why: why, or why not.
        left_out: ``file`` and ``reason`` of labelled images that could not be used.
        own: it is the stack file's dataset.
    """

    dataset: str
    live: bool
    why_not_live: str
    as_of: str
    labels: int
    judged_by: str
    judges: int
    points: tuple[CurvePoint, ...]
    forecast: CurvePoint
    gain: Estimate
    verdict: str
    stop: bool
    why: str
    left_out: tuple[dict[str, str], ...]
    seconds: float
    own: bool = True

    @property
    def state(self) -> LoopState:
        """The loop: there is more to label, unless that is not worth it."""
        why = "to look for wrong labels: more of them are not worth it" if self.stop else ""
        return LoopState(
            dataset=self.dataset, own=self.own, to_do=None if self.own else 1, doubt=why
        )


IMAGES_FOR_A_CURVE = 40  # images to learn from; with fewer, a quarter of them is too few
LARGE = 100  # images of a holdout that judges by itself
WORTH = 0.01  # gain of doubled labels that is worth annotating for
CEILING = 0.99  # accuracy above which there is little left
WIDE = 200  # labels below which a forecast is a guess, and is called one


def curve(stack: Stack, name: str, offline: bool, track: Track) -> CurveReport:
    """Accuracy with a part of the labels, and a forecast with as many again; nothing is written.

    Heads are fitted on shares of the labels that people gave, on kept embeddings. The holdout
    judges them, or, where it is small, images that a head did not learn from.

    Args:
        stack: the annotation loop.
        name: of a dataset.
        offline: go by the last snapshot.
        track: shows how far it is.

    Raises:
        DataError: there is no such dataset, no model, or too few labels.
        UnreachableError: Label Studio or the store fails.
    """
    begun = time.monotonic()
    labels = read_labels(stack, name, offline)
    found = embed_labelled(stack, labels, track)
    held = [e for e in found.examples if e.split == "holdout"]
    learn = [e for e in found.examples if e.split == "train"]
    by_holdout = len(held) >= LARGE
    if not by_holdout:
        learn = list(found.examples)  # each judges the heads that did not learn from it
    targets = found.targets(learn)
    if len(learn) < IMAGES_FOR_A_CURVE or not learnable(targets, found.multiple):
        raise DataError(
            f"a learning curve needs at least {IMAGES_FOR_A_CURVE} labelled images with different "
            f"labels; {name} has {len(learn)}",
            f"Annotate more: annoloop dataset launch {quote(name)}",
        )
    judges = (found.vectors(held), found.targets(held)) if by_holdout else None
    seed = stack.config.train.seed
    follow = partial(track, stage="fit")
    measured = measure_curve(found.vectors(learn), targets, found.multiple, seed, judges, follow)
    expected = forecast(measured, len(learn), seed)
    total = len(found.examples)
    stop, why = advise(measured[-1], expected)
    return CurveReport(
        dataset=name,
        live=labels.live,
        why_not_live=labels.why_not,
        as_of=labels.snapshot.created_at,
        labels=total,
        judged_by="holdout" if by_holdout else "out-of-fold",
        judges=len(held) if by_holdout else len(learn),
        points=tuple(CurvePoint(round(m.share * total), m.share, m.accuracy) for m in measured),
        forecast=CurvePoint(round(FORECAST_TIMES * total), FORECAST_TIMES, expected.accuracy),
        gain=expected.gain,
        verdict=describe_gain(expected.gain, total),
        stop=stop,
        why=why,
        left_out=left_out(found.reasons()),
        own=stack.owns(name),
        seconds=round(time.monotonic() - begun, 3),
    )


def advise(all_labels: Measured, expected: Forecast) -> tuple[bool, str]:
    """Whether to stop, and why: the rule."""
    reached, gain = all_labels.accuracy, expected.gain
    assert reached.value is not None
    assert gain.value is not None
    assert gain.high is not None
    if (reached.low or 0) >= CEILING:
        return True, f"accuracy is at least {CEILING:.0%} already"
    if gain.high < WORTH:
        return True, f"even at best, doubling the labels gains less than {WORTH:.0%}"
    if gain.value < WORTH:
        return False, "little is expected, but a gain of a point cannot be ruled out yet"
    return False, f"a gain of {gain.value * 100:.1f} points is expected"


def describe_gain(gain: Estimate, labels: int) -> str:
    """What as many labels again would bring, in words."""
    assert gain.value is not None
    assert gain.low is not None
    assert gain.high is not None
    verdict = (
        f"about {labels} more labels: +{gain.value * 100:.1f} points, "
        f"{gain.low * 100:.1f} to {gain.high * 100:.1f}"
    )
    if labels < WIDE:
        verdict += f" (with fewer than {WIDE} labels, no more than a guess)"
    return verdict
