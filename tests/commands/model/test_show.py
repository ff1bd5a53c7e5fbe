"""What `annoloop model show` prints."""

from dataclasses import asdict, replace

import pytest
from support.printed import printed

from annolooop.commands.model.show import print_version
from annolooop.domain.versions import (
    BackboneInfo,
    ClassFigures,
    Estimate,
    Evaluation,
    ModelVersion,
    Promotion,
)
from annolooop.loop.versions.versions import ModelReport

FIGURE = Estimate(0.9, 0.8, 0.95)
CLASSES = {name: ClassFigures(20, 19, FIGURE, FIGURE) for name in ("dress", "hat")}
EVALUATION = Evaluation(40, FIGURE, FIGURE, FIGURE, FIGURE, CLASSES, ((18, 2), (1, 19)))
VERSION = ModelVersion(
    number=3,
    name="v3-0123ab",
    dataset="clothes",
    labels=("dress", "hat"),
    trained=True,
    parent="v2-4567cd",
    dataset_fingerprint="0123",
    snapshot=4,
    backbone=BackboneInfo("resnet18", "DEFAULT", "f", "t", 512),
    head="models/clothes/heads/x.safetensors",
    created_at="2026-11-30T12:34:56+00:00",
    created_by="ann@host",
    metrics={
        "holdout": {"n": 40},
        "cross_validation": {"accuracy": 0.91234567, "folds": 5},
        "evaluation": asdict(EVALUATION),
        "gate": {"verdict": "promoted", "why": "it is better"},
    },
    config={"backbone": "resnet18", "finetune": "head", "holdout": 0.2},
)
REPORT = ModelReport(VERSION, True, (Promotion(3, "v3-0123ab", VERSION.created_at, "ann@host"),))


def test_record_is_lines_and_no_python(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(printed(monkeypatch, print_version, REPORT)[0])
    assert not set("{}'") & set(text)
    assert "    cross_validation\n      accuracy: 0.9123\n      folds: 5\n" in text
    assert "  settings\n    backbone: resnet18\n" in text


def test_current_version_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = printed(monkeypatch, print_version, REPORT)
    assert "  current   yes" in out
    assert err == ["next: annoloop stats  to see where the loop is"]


def test_refused_version_says_how_to_make_it_current(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = replace(
        VERSION, metrics=VERSION.metrics | {"gate": {"verdict": "refused", "why": ""}}
    )
    _, err = printed(monkeypatch, print_version, ModelReport(refused, False, ()))
    assert err[0] == "next: annoloop dataset review"
    assert " ".join(" ".join(err).split()).endswith("to insist: annoloop model promote v3")


def test_earlier_version_is_not_said_to_be_made_current(monkeypatch: pytest.MonkeyPatch) -> None:
    _, err = printed(monkeypatch, print_version, replace(REPORT, promoted=False))
    assert err == ["next: annoloop stats  to see where the loop is"]


def test_confusion_has_a_row_for_each_label(monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = printed(monkeypatch, print_version, REPORT)
    rows = [line.split() for line in out]
    assert ["dress", "18", "2"] in rows
    assert ["hat", "1", "19"] in rows


@pytest.mark.parametrize("columns", [40, 80])
def test_name_of_the_version_is_never_cut(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    assert printed(monkeypatch, print_version, REPORT, columns)[0][0] == "v3-0123ab"
