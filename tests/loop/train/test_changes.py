"""What has changed since a version was trained."""

from dataclasses import replace

from support.trained_dataset import TrainedDataset

from annolooop.loop.train.changes import (
    find_examples,
    find_refused,
    is_outdated,
    label_changes,
)


def test_nothing_has_changed_right_after_training(dataset: TrainedDataset) -> None:
    stack = dataset.stack()
    found = find_examples(stack, stack.snapshots.latest())
    assert not label_changes(stack, dataset.version, found.examples)
    assert not is_outdated(stack, dataset.version)
    assert found.left_out == {}


def test_new_changed_and_removed_labels_are_counted(dataset: TrainedDataset) -> None:
    stack = dataset.stack()
    examples = find_examples(stack, stack.snapshots.latest()).examples
    changed = replace(examples[0], labels=("other",))
    added = replace(examples[1], sha256="f" * 64)
    changes = label_changes(stack, dataset.version, [changed, added, *examples[3:]])
    assert (changes.new, changes.changed, changes.removed) == (1, 1, 2)


def test_other_settings_make_a_version_outdated(dataset: TrainedDataset) -> None:
    assert is_outdated(dataset.stack("train.seed=9"), dataset.version)
    assert is_outdated(dataset.stack("model.backbone=shufflenet_v2_x0_5"), dataset.version)
    assert not is_outdated(dataset.stack("train.epochs=7"), dataset.version)  # a head has none


def test_an_untrained_version_is_outdated(dataset: TrainedDataset) -> None:
    stack = dataset.stack()
    assert is_outdated(stack, stack.registry.version(1))


def test_labels_that_the_dataset_does_not_have_are_skipped(dataset: TrainedDataset) -> None:
    stack = dataset.stack('dataset.labels=["aria", "cat"]')
    skipped = find_examples(stack, stack.snapshots.latest()).unknown
    assert len(skipped) == sum(label == "not_aria" for label in dataset.labels.values())
    assert "'not_aria' is not in dataset.labels" in next(iter(skipped.values()))


def test_a_version_that_passed_the_gate_was_not_refused(dataset: TrainedDataset) -> None:
    stack = dataset.stack()
    examples = find_examples(stack, stack.snapshots.latest()).examples
    assert find_refused(stack, dataset.version, examples) is None
