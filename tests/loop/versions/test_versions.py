"""Model versions are listed, shown, promoted and rolled back, without Label Studio."""

from pathlib import Path

import pytest
from support.project import Project
from support.trained_dataset import NAME, TrainedDataset

from annolooop.errors import DataError
from annolooop.loop.versions.predict import Predictor, find_current, require_current
from annolooop.loop.versions.versions import (
    find_version,
    list_models,
    promote,
    rollback,
    show_model,
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedDataset:
    return TrainedDataset(tmp_path_factory.mktemp("versions"), 20)


@pytest.fixture
def dataset(trained: TrainedDataset) -> TrainedDataset:
    """Its second version is current."""
    promote(trained.stack(), "v2")
    return trained


def test_versions_are_listed_by_number_and_one_is_current(dataset: TrainedDataset) -> None:
    rows = list_models(dataset.stack()).versions
    assert [row.name.partition("-")[0] for row in rows] == ["v1", "v2"]
    assert [(row.trained, row.promoted, row.refused) for row in rows] == [
        (False, False, False),
        (True, True, False),
    ]
    assert rows[1].parent == rows[0].name


def test_a_row_has_the_number_of_images_that_a_version_was_trained_on(
    dataset: TrainedDataset,
) -> None:
    first, second = list_models(dataset.stack()).versions
    assert first.trained_on is None
    assert second.trained_on == 40 - second.holdout


@pytest.mark.parametrize("name", ["v2", "2"])
def test_a_version_is_found_by_its_number(dataset: TrainedDataset, name: str) -> None:
    assert find_version(dataset.stack(), name).name == dataset.version.name
    assert find_version(dataset.stack(), dataset.version.name).number == 2


def test_a_mistyped_version_gets_a_suggestion(dataset: TrainedDataset) -> None:
    with pytest.raises(DataError, match=f"did you mean {dataset.version.name}"):
        find_version(dataset.stack(), "v2-000000")


def test_a_version_is_shown_with_the_times_it_became_current(dataset: TrainedDataset) -> None:
    report = show_model(dataset.stack(), "v2")
    assert report.promoted
    assert {p.number for p in report.promotions} == {2}


def test_promoting_the_current_version_changes_nothing(dataset: TrainedDataset) -> None:
    before = len(dataset.stack().registry.promotions())
    assert not promote(dataset.stack(), "v2").changed
    assert len(dataset.stack().registry.promotions()) == before


@pytest.mark.parametrize("damage", [None, b"{}"])
def test_version_is_named_where_the_newest_promotion_is_lost(
    dataset: TrainedDataset, damage: bytes | None
) -> None:
    store = dataset.stack().store
    newest = max(o.key for o in store.walk(f"models/{NAME}/promotions") if o.key[-1] == "n")
    newest = newest.replace(".written", ".json")
    store.delete(newest)
    if damage:
        store.put(newest, damage)
    for read in (find_current, list_models, rollback):
        with pytest.raises(DataError, match=newest) as caught:
            read(dataset.stack())
        assert "annoloop model promote VERSION, one of v1, v2" in caught.value.hint
    report = promote(dataset.stack(), "v2")
    assert (report.changed, report.before) == (True, "")
    assert find_current(dataset.stack()).number == 2
    store.delete(newest)  # it is missed no more: there is a newer one
    assert find_current(dataset.stack()).number == 2


def test_rollback_makes_the_parent_current_and_stops_at_the_first(dataset: TrainedDataset) -> None:
    report = rollback(dataset.stack())
    assert (report.changed, report.before) == (True, dataset.version.name)
    assert find_current(dataset.stack()).number == 1
    with pytest.raises(DataError, match="first model version"):
        rollback(dataset.stack())


def test_a_version_for_other_labels_cannot_predict(dataset: TrainedDataset) -> None:
    assert require_current(dataset.stack()).name == dataset.version.name
    with pytest.raises(DataError, match="was made for the label 'not_aria'"):
        require_current(dataset.stack('dataset.labels=["aria", "cat"]'))


def test_without_a_version_the_first_is_to_be_made(tmp_path: Path) -> None:
    settings = {"store": {"url": "store"}, "dataset": {"name": NAME, "labels": ["a", "b"]}}
    with pytest.raises(DataError, match="no model yet"):
        find_current(Project(tmp_path, settings).stack())


def test_predictions_are_the_most_probable_labels(dataset: TrainedDataset) -> None:
    stack = dataset.stack()
    predictor = Predictor(stack, dataset.version, stack.embeddings(dataset.version.backbone))
    images = list(dataset.images.values())
    probabilities = predictor.probabilities(images)
    predictions = predictor.predict(images)
    for image, row in zip(images, probabilities, strict=True):
        assert predictions[image].labels == (dataset.version.labels[row.argmax()],)
        assert predictions[image].score == pytest.approx(row.max(), abs=1e-6)
    assert predictor.predict([]) == {}
