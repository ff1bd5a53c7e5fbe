"""Fine-tuning on a dataset: what stays as it was, and what a fine-tuned backbone brings."""

from pathlib import Path

import pytest
from support.trained_dataset import TrainedDataset

from annolooop.domain.progress import untracked
from annolooop.domain.versions import Finetuning
from annolooop.errors import DataError
from annolooop.loop.train.changes import find_examples
from annolooop.loop.train.finetune import finetune_backbone
from annolooop.loop.train.fit_result import FitResult
from annolooop.loop.train.learn import fit_on_embeddings
from annolooop.loop.train.training_set import TrainingSet, build_training_set

FAST = ("train.epochs=1", "infer.precision=fp32")


def prepare(dataset: TrainedDataset) -> tuple[TrainingSet, FitResult]:
    stack = dataset.stack(*FAST)
    examples = find_examples(stack, stack.snapshots.latest()).examples
    training_set = build_training_set(stack, dataset.version, examples, True, untracked)
    return training_set, fit_on_embeddings(stack, training_set)


def test_too_few_examples_leave_the_head_alone(tmp_path: Path) -> None:
    few = TrainedDataset(tmp_path, 10)
    training_set, plain = prepare(few)
    found = finetune_backbone(few.stack(*FAST), training_set, plain, "layer4", untracked)
    assert (found.head, found.backbone) == (plain.head, plain.backbone)
    figures = Finetuning(**found.metrics["finetune"])
    assert (figures.epochs, figures.examples) == (0, len(training_set.train))
    assert figures.validation < 10


@pytest.mark.slow
def test_the_best_epoch_is_registered_or_the_head_stays(tmp_path: Path) -> None:
    dataset = TrainedDataset(tmp_path, 40)
    training_set, plain = prepare(dataset)
    found = finetune_backbone(dataset.stack(*FAST), training_set, plain, "layer4", untracked)
    figures = Finetuning(**found.metrics["finetune"])
    assert (figures.mode, figures.epochs) == ("layer4", 1)
    assert figures.validation >= 10
    assert found.checkpoint is not None
    assert found.checkpoint.exists()
    if figures.best_epoch:
        assert found.backbone.base == plain.backbone.fingerprint
        known = {e.sha256 for e in (*training_set.train, *training_set.holdout)}
        assert found.new_embeddings.keys() == known
    else:
        assert found.backbone == plain.backbone


def test_an_image_that_went_away_meanwhile_stops_it_with_a_way_on(tmp_path: Path) -> None:
    dataset = TrainedDataset(tmp_path, 40)
    training_set, plain = prepare(dataset)
    gone = training_set.train[0]
    Path(str(dataset.stack().store.local_path), gone.key).unlink()
    with pytest.raises(DataError, match=gone.key) as lost:
        finetune_backbone(dataset.stack(*FAST), training_set, plain, "layer4", untracked)
    assert "annoloop train --rerun" in lost.value.hint
