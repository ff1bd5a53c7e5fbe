"""What can be trained on, what is left out, and why."""

from pathlib import Path

import pytest
from support.trained_dataset import TrainedDataset

from annolooop.domain.progress import untracked
from annolooop.errors import DataError
from annolooop.loop.train.changes import find_examples
from annolooop.loop.train.training_set import TrainingSet, build_training_set


def build(dataset: TrainedDataset, pixels: bool = False, *overrides: str) -> TrainingSet:
    stack = dataset.stack(*overrides)
    examples = find_examples(stack, stack.snapshots.latest()).examples
    return build_training_set(stack, dataset.version, examples, pixels, untracked)


def test_labelled_images_are_parted_and_have_embeddings(dataset: TrainedDataset) -> None:
    found = build(dataset)
    assert len(found.train) + len(found.holdout) == 60
    assert found.targets.shape == (len(found.train), 2)
    assert found.vectors.shape == (len(found.train), dataset.version.backbone.dim)
    assert (found.skipped, found.new_backbone) == ({}, None)


def test_targets_are_the_labels_in_the_order_of_the_dataset(dataset: TrainedDataset) -> None:
    found = build(dataset)
    first = [row.tolist() for row in found.targets]
    assert first == [[e.labels == ("aria",), e.labels == ("not_aria",)] for e in found.train]


def test_no_example_says_how_to_annotate(dataset: TrainedDataset) -> None:
    with pytest.raises(DataError, match="no image has a label to learn from") as refused:
        build_training_set(dataset.stack(), dataset.version, [], False, untracked)
    assert "annoloop dataset launch" in refused.value.hint


def test_one_label_alone_is_too_little(dataset: TrainedDataset) -> None:
    stack = dataset.stack()
    examples = find_examples(stack, stack.snapshots.latest()).examples
    alone = [e for e in examples if e.labels == ("aria",)]
    with pytest.raises(DataError, match=r"at least two labels with images.*not_aria 0"):
        build_training_set(stack, dataset.version, alone, False, untracked)


def test_other_weights_need_a_new_backbone(dataset: TrainedDataset) -> None:
    found = build(dataset, False, "model.backbone=shufflenet_v2_x0_5")
    assert found.new_backbone is not None
    assert found.backbone.name == "shufflenet_v2_x0_5"
    assert found.vectors.shape[1] == found.backbone.dim


def test_with_pixels_a_lost_image_is_skipped(tmp_path: Path) -> None:
    few = TrainedDataset(tmp_path, 8)
    gone = few.images["aria_1.png"]
    Path(str(few.stack().store.local_path), gone.key).unlink()
    assert gone.sha256 not in build(few).skipped
    assert gone.sha256 in build(few, True).skipped
