"""The threshold comes from the holdout; a refusal says what is missing."""

from pathlib import Path

import pytest
from support.trained_dataset import TrainedDataset

from annolooop.domain.progress import untracked
from annolooop.errors import DataError
from annolooop.loop.quality.propose import AcceptOptions, Proposal, propose
from annolooop.loop.versions.predict import Predictor


def run(dataset: TrainedDataset, precision: float, *overrides: str) -> Proposal:
    stack = dataset.stack(*overrides)
    predictor = Predictor(stack, dataset.version, stack.embeddings(dataset.version.backbone))
    options = AcceptOptions(precision=precision)
    snapshot = stack.snapshots.latest()
    return propose(stack, predictor, stack.task_index, snapshot, options, untracked)


def test_the_threshold_keeps_the_promise_on_the_holdout(dataset: TrainedDataset) -> None:
    proposal = run(dataset, 0.6)
    assert proposal.thresholds.together.value is not None
    assert proposal.thresholds.together.low is not None
    assert proposal.thresholds.together.low >= 0.6
    assert proposal.thresholds.together.n <= proposal.thresholds.holdout


def test_without_tasks_nothing_is_proposed(dataset: TrainedDataset) -> None:
    proposal = run(dataset, 0.6)
    assert (proposal.tasks, proposal.untouched, proposal.spot_check) == ({}, 0, 0)


def test_too_small_a_holdout_names_the_precision_that_it_can_show(dataset: TrainedDataset) -> None:
    with pytest.raises(DataError, match="at least 149 labelled images") as refused:
        run(dataset, 0.98)
    assert "--precision 0." in refused.value.hint


def test_hardly_any_labels_ask_for_more(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        run(TrainedDataset(tmp_path, 5), 0.5)
    assert "annoloop dataset launch" in refused.value.hint


def test_a_version_made_with_another_holdout_is_to_be_trained_again(
    dataset: TrainedDataset,
) -> None:
    with pytest.raises(DataError, match=r"made with train.holdout: 0.3") as refused:
        run(dataset, 0.9, "train.holdout=0.31")
    assert "annoloop train --rerun" in refused.value.hint
