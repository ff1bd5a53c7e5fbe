"""Thresholds on the holdout: one for all labels or one for each, and what may be asked instead."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from support.trained_dataset import TrainedDataset

from annolooop.domain.examples import Example
from annolooop.domain.tasks import Image, Prediction
from annolooop.errors import DataError, UsageError
from annolooop.loop.quality import thresholds as module
from annolooop.loop.quality.thresholds import Thresholds, find_thresholds
from annolooop.loop.versions.predict import Predictor

LABELS = ("cat", "dog")


class Predicting:
    """Predicts what a test says of each image."""

    def __init__(self, predicted: Sequence[tuple[str, float]], choice: str = "single") -> None:
        self._rows = [Prediction((label,), score) for label, score in predicted]
        self.version = SimpleNamespace(
            labels=LABELS, choice=choice, trained=True, name="v2-1", config={"holdout": 0.2}
        )

    def predict(self, images: Sequence[Image]) -> dict[Image, Prediction]:
        return {image: self._rows[int(image.key)] for image in images}


def find(
    monkeypatch: pytest.MonkeyPatch,
    dataset: TrainedDataset,
    rows: Sequence[tuple[str, str, float]],
    precision: float,
    per_label: bool = False,
    choice: str = "single",
) -> Thresholds:
    """Thresholds of a holdout: label, predicted label, confidence of each image."""
    held = [Example(str(n), f"{n:064x}", (label,), "holdout") for n, (label, *_) in enumerate(rows)]
    monkeypatch.setattr(module, "_labelled_holdout", lambda *_: held)
    predicting = Predicting([(predicted, score) for _, predicted, score in rows], choice)
    stack = dataset.stack("train.holdout=0.2")
    snapshot = stack.snapshots.latest()
    return find_thresholds(stack, cast(Predictor, predicting), snapshot, precision, per_label)


def holdout(dogs_wrong: int) -> list[tuple[str, str, float]]:
    """120 images predicted as cats, all correct; 120 as dogs, of which the surest are cats."""
    sure = np.linspace(0.99, 0.6, 120).tolist()
    cats = [("cat", "cat", score) for score in sure]
    dogs = [("cat" if n < dogs_wrong else "dog", "dog", score) for n, score in enumerate(sure)]
    return cats + dogs


def test_label_that_is_often_wrong_spoils_one_threshold_and_not_its_own(
    monkeypatch: pytest.MonkeyPatch, dataset: TrainedDataset
) -> None:
    with pytest.raises(DataError) as refused:
        find(monkeypatch, dataset, holdout(40), 0.95)
    assert "annoloop dataset accept --per-label --precision 0.95" in refused.value.hint
    found = find(monkeypatch, dataset, holdout(40), 0.95, per_label=True)
    cat, dog = found.labels
    assert (cat.label, cat.holdout, cat.threshold.n, cat.threshold.errors) == ("cat", 120, 120, 0)
    assert dog.threshold.value is None
    assert found.lowest(Prediction(("cat",), 0.7)) == pytest.approx(0.6)
    assert found.lowest(Prediction(("dog",), 0.999)) is None
    assert found.together == cat.threshold


def test_several_thresholds_share_what_may_go_wrong(
    monkeypatch: pytest.MonkeyPatch, dataset: TrainedDataset
) -> None:
    """72 correct ones show 0.95 with 97.5 % confidence; 59 do so with 95 %."""
    few = [("cat", "cat", 0.9)] * 71 + [("dog", "dog", 0.9)] * 72
    found = find(monkeypatch, dataset, few, 0.95, per_label=True)
    assert [row.threshold.value for row in found.labels] == [None, 0.9]
    assert find(monkeypatch, dataset, few, 0.95).together.n == 143


def test_what_is_suggested_works_when_it_is_typed(
    monkeypatch: pytest.MonkeyPatch, dataset: TrainedDataset
) -> None:
    """60 images would show 0.95, were all of them correct; one of them is not."""
    rows = [("dog" if n == 45 else "cat", "cat", 0.9 - n / 1000) for n in range(60)]
    with pytest.raises(DataError, match="at least 149") as refused:
        find(monkeypatch, dataset, rows, 0.98)
    words = refused.value.hint.partition("dataset accept ")[2].split()
    precision = float(words[words.index("--precision") + 1])
    assert precision < 0.95
    found = find(monkeypatch, dataset, rows, precision, "--per-label" in words)
    assert found.together.low is not None
    assert found.together.low >= precision


def test_nothing_is_suggested_where_nothing_would_work(
    monkeypatch: pytest.MonkeyPatch, dataset: TrainedDataset
) -> None:
    with pytest.raises(DataError) as refused:
        find(monkeypatch, dataset, [("dog", "cat", 0.9)] * 100, 0.9)
    assert "--precision" not in refused.value.hint
    with pytest.raises(DataError) as refused:
        find(monkeypatch, dataset, [("cat", "cat", 0.9)] * 3, 0.9)
    assert "annoloop dataset launch" in refused.value.hint


def test_labels_in_all_are_named(monkeypatch: pytest.MonkeyPatch, dataset: TrainedDataset) -> None:
    with pytest.raises(DataError, match="take about 745 labels in all"):
        find(monkeypatch, dataset, [("cat", "cat", 0.9)] * 30, 0.98)


def test_threshold_for_each_label_is_for_single_choice(
    monkeypatch: pytest.MonkeyPatch, dataset: TrainedDataset
) -> None:
    with pytest.raises(UsageError, match="single choice"):
        find(monkeypatch, dataset, holdout(0), 0.9, per_label=True, choice="multiple")


def test_no_label_that_is_sure_enough_says_how_many_images_each_needs(
    monkeypatch: pytest.MonkeyPatch, dataset: TrainedDataset
) -> None:
    with pytest.raises(DataError, match="each label needs 183 such images"):
        find(monkeypatch, dataset, holdout(40), 0.98, per_label=True)
