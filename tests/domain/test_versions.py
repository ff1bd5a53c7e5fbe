"""Names, fingerprints and figures of model versions."""

from dataclasses import asdict

import pytest
from support.records import draft

from annolooop.domain.versions import (
    ClassFigures,
    Estimate,
    Evaluation,
    Holdout,
    evaluation_of,
    fingerprint_of,
    version_name,
)


def test_name_has_the_number_and_the_beginning_of_the_heads_hash() -> None:
    assert version_name(7, "models/cats/heads/0123456789.safetensors") == "v7-012345"


def test_fingerprint_depends_on_the_network_and_on_its_weights() -> None:
    ours = fingerprint_of("resnet18", b"weights")
    assert ours == fingerprint_of("resnet18", b"weights")
    assert ours != fingerprint_of("resnet34", b"weights")
    assert ours != fingerprint_of("resnet18", b"other weights")
    assert len(ours) == 16


def test_evaluation_comes_back_from_the_metrics_of_a_version() -> None:
    share = Estimate(0.5, 0.25, 0.75)
    evaluation = Evaluation(
        n=10,
        accuracy=share,
        classes={"cat": ClassFigures(4, 5, share, Estimate())},
        confusion=((3, 1), (2, 4)),
    )
    version = draft(metrics={"evaluation": asdict(evaluation)})
    assert evaluation_of(version) == evaluation


def test_version_that_was_not_evaluated_has_no_figures() -> None:
    assert evaluation_of(draft(metrics={})) is None


@pytest.mark.parametrize("figure", [Estimate(0.9, 0.6, 0.98), Estimate()])
def test_reports_state_the_accuracy_of_the_evaluation(figure: Estimate) -> None:
    stated = Holdout.of(Evaluation(10, figure))
    assert stated == Holdout(10, figure.value, figure.low, figure.high)
