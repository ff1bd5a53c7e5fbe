"""How good the model is and was: the parts of the report that come from versions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from shlex import quote

import numpy as np
from numpy.typing import NDArray

from annolooop.domain.examples import Example, build_examples
from annolooop.domain.progress import Track
from annolooop.domain.rounds import Round
from annolooop.domain.versions import Estimate, Evaluation, ModelVersion, evaluation_of
from annolooop.errors import DataError
from annolooop.loop.labels.current import Labels
from annolooop.loop.labels.split import not_trained_on, rules_of_version
from annolooop.loop.quality.curve import CurveReport, curve
from annolooop.loop.rounds.figures import round_stats
from annolooop.loop.rounds.queue import rounds_of
from annolooop.loop.versions.headline import CALIBRATION_TELLS, shows_calibration
from annolooop.loop.versions.predict import read_head
from annolooop.model.heads.head import Probabilities, activate
from annolooop.model.heads.interval import wilson
from annolooop.model.heads.reliability import reliability
from annolooop.model.heads.targets import build_targets
from annolooop.page.content import (
    CalibrationBin,
    CurvePlace,
    Missing,
    Reliability,
    RoundRow,
    VersionPoint,
)
from annolooop.stack import Stack

NEWEST = 30  # versions that are shown
TRAIN = "annoloop train --rerun"
LEARN = "to learn from labels"


@dataclass(frozen=True)
class History:
    """What came of the rounds so far."""

    versions: tuple[VersionPoint, ...] = ()
    rounds: tuple[RoundRow, ...] = ()
    curve: tuple[CurvePlace, ...] = ()
    forecast: CurvePlace | None = None
    outlook: str = ""
    measured: CurveReport | None = None
    missing: dict[str, Missing] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """The current version on the labelled images of the holdout that have embeddings.

    Attributes:
        held: those images.
        probabilities: (held, labels), its predictions for them.
        evaluation: as the version's record has it.
        reliability: on ``held``.
        missing: by section.
    """

    held: tuple[Example, ...] = ()
    probabilities: Probabilities = field(default_factory=lambda: np.zeros((0, 0)))
    evaluation: Evaluation | None = None
    reliability: Reliability | None = None
    missing: dict[str, Missing] = field(default_factory=dict)


def progress(stack: Stack, labels: Labels, version: ModelVersion | None, track: Track) -> History:
    """Versions with the number of labels that they were trained on, and the rounds."""
    trained = [v for v in stack.registry_of(labels.dataset).versions() if v.trained][-NEWEST:]
    points = tuple(
        _point(stack, labels, v, version is not None and v.number == version.number)
        for v in track(trained, "versions")
    )
    missing = {}
    if not points:
        missing["progress"] = Missing("No model has learnt from labels yet.", LEARN, TRAIN)
    asked = rounds_of(stack, labels.dataset)
    rounds = tuple(_round(one, labels) for one in asked.each(asked.numbers()[-NEWEST:]))
    if not rounds:
        missing["rounds"] = Missing(
            "No round asked for the images that teach most.",
            "to ask for some",
            "annoloop infer --query 100",
        )
    places: tuple[CurvePlace, ...] = ()
    forecast, outlook, measured = None, "", None
    try:
        measured = curve(stack, labels.dataset, not labels.live, track)
    except DataError as error:
        missing["curve"] = because("No learning curve", error)
    else:
        places = tuple(CurvePlace(p.labels, p.accuracy) for p in measured.points)
        forecast = CurvePlace(measured.forecast.labels, measured.forecast.accuracy)
        judged = (
            f"the {measured.judges} images of the holdout"
            if measured.judged_by == "holdout"
            else "images that a head did not learn from"
        )
        outlook = (
            f"Forecast for {measured.verdict}; {measured.why}. The learning curve is measured on "
            f"{judged}."
        )
    return History(points, rounds, places, forecast, outlook, measured, missing)


def because(what: str, error: DataError) -> Missing:
    """What is missing, by the error that says why; a command follows the colon of its hint."""
    how, _, command = error.hint.rpartition(": ")
    return Missing(f"{what}: {error.message}.", how[:1].lower() + how[1:], command)


def _round(one: Round, labels: Labels) -> RoundRow:
    counts = round_stats(one, labels.snapshot.annotations, labels.rules.choice)
    return RoundRow(
        one.number,
        one.created_at,
        one.version,
        one.strategy,
        counts.asked,
        counts.answered,
        counts.holdout,
    )


def _point(stack: Stack, labels: Labels, version: ModelVersion, current: bool) -> VersionPoint:
    examples: Sequence[Example] = ()
    if version.snapshot:
        snapshot = stack.snapshots_of(labels.dataset).read(version.snapshot)
        examples = build_examples(snapshot.annotations, rules_of_version(stack, version)).examples
    trained_on = sum(example.split == "train" for example in examples)
    held = version.metrics.get("holdout", {"n": 0})
    accuracy = Estimate(held.get("accuracy"), held.get("low"), held.get("high"))
    return VersionPoint(
        version.number,
        version.name,
        version.created_at,
        trained_on,
        held["n"],
        accuracy,
        current,
        (version.metrics.get("gate") or {}).get("verdict") == "refused" and not current,
    )


def judge(stack: Stack, labels: Labels, version: ModelVersion | None) -> Judged:
    """The current version on the holdout as it is now."""
    missing: dict[str, Missing] = {}
    if version is None or not version.trained:
        why = Missing("No model has learnt from labels yet.", LEARN, TRAIN)
        return Judged(missing={"quality": why, "calibration": why, "errors": why})
    evaluation = evaluation_of(version)
    if evaluation is None:
        missing["quality"] = Missing(
            f"{version.name} was made before versions kept these figures.",
            "the next version has them",
            TRAIN,
        )
    held, probabilities, raw = _look(stack, labels, version)
    calibration = None
    if not shows_calibration(len(held)):
        missing["calibration"] = Missing(
            f"{len(held)} labelled images of the holdout that it did not learn from are too few: "
            f"{CALIBRATION_TELLS} are needed.",
            "to annotate more",
            f"annoloop dataset launch {quote(labels.dataset)}",
        )
    else:
        calibration = _reliability(version, held, probabilities, raw, evaluation)
    if not held:
        missing["errors"] = Missing("No image of the holdout is labelled.")
    return Judged(held, probabilities, evaluation, calibration, missing)


def _look(
    stack: Stack, labels: Labels, version: ModelVersion
) -> tuple[tuple[Example, ...], Probabilities, Probabilities]:
    """Labelled images of the holdout that the version did not learn from, and its predictions for
    them, calibrated and as fitted.
    """
    known = set(version.labels)
    held = [e for e in labels.examples if e.split == "holdout" and known.issuperset(e.labels)]
    held = not_trained_on(stack, version, held, labels.rules.holdout)
    embeddings = stack.embeddings(version.backbone)
    missing = embeddings.missing(e.sha256 for e in held)
    held = [e for e in held if e.sha256 not in missing]
    if not held:
        nothing = np.zeros((0, len(version.labels)))
        return (), nothing, nothing
    head = read_head(stack.registry_of(labels.dataset), version)
    logits = head.logits(embeddings.matrix(e.sha256 for e in held))
    return (
        tuple(held),
        activate(logits / head.temperature, head.multiple),
        activate(logits, head.multiple),
    )


def _reliability(
    version: ModelVersion,
    held: Sequence[Example],
    probabilities: Probabilities,
    raw: Probabilities,
    evaluation: Evaluation | None,
) -> Reliability:
    targets = build_targets(held, version.labels)
    multiple = version.choice == "multiple"
    calibration = version.metrics.get("calibration") or {}
    temperature = calibration.get("temperature")
    return Reliability(
        bins=_steps(probabilities, targets, multiple),
        raw=_steps(raw, targets, multiple) if temperature not in (None, 1) else (),
        before=calibration.get("ece_before"),
        after=calibration.get("ece_after"),
        holdout=evaluation.ece if evaluation else Estimate(),
        temperature=temperature,
    )


def _steps(
    probabilities: Probabilities, targets: NDArray[np.bool_], multiple: bool
) -> tuple[CalibrationBin, ...]:
    return tuple(
        CalibrationBin(
            b.n, b.confidence, Estimate(b.accuracy, *wilson(round(b.n * b.accuracy), b.n))
        )
        for b in reliability(probabilities, targets, multiple)
    )
