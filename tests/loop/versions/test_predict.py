"""Predictions of a version: by its own head, and only where the two fit."""

from pathlib import Path

import numpy as np
import pytest
from support.records import draft

from annolooop.domain.tasks import Prediction
from annolooop.domain.versions import ModelVersion
from annolooop.errors import DataError
from annolooop.loop.versions.predict import best_labels, read_head
from annolooop.model.heads.head import Head
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.registry import Registry

PROBABILITIES = np.array([[0.7, 0.2], [0.6, 0.9]])


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(ArtifactStore(str(tmp_path)), "cats")


def registered(registry: Registry, **changed: object) -> ModelVersion:
    return registry.register(draft(**changed), Head.fresh(2, 512, 0).to_bytes())


def test_head_is_the_one_that_was_registered(registry: Registry) -> None:
    head = read_head(registry, registered(registry))
    assert np.array_equal(head.weight, Head.fresh(2, 512, 0).weight)


def test_record_of_other_labels_than_its_head_is_named(registry: Registry) -> None:
    version = registered(registry, labels=("cat", "dog", "fish"))
    with pytest.raises(DataError, match=r"versions/000001\.json .* it does not fit its head"):
        read_head(registry, version)


def test_single_choice_predicts_the_most_probable_label() -> None:
    assert list(best_labels(draft(), PROBABILITIES)) == [
        Prediction(("cat",), 0.7),
        Prediction(("dog",), 0.9),
    ]


def test_multiple_choice_predicts_each_label_above_a_half() -> None:
    assert list(best_labels(draft(choice="multiple"), PROBABILITIES)) == [
        Prediction(("cat",), 0.7),
        Prediction(("cat", "dog"), 0.6),
    ]
