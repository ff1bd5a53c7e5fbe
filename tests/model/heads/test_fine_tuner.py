"""One epoch at a time: schedule, weights of labels, and what is kept of the best epoch."""

import copy
import io

import numpy as np
import pytest
import torch
from PIL import Image

from annolooop.domain.progress import untracked
from annolooop.model.backbones.classifier import Backbone, build_backbone
from annolooop.model.backbones.transforms import EvalTransform
from annolooop.model.heads.fine_tuner import FineTuner, FinetuningData, Recipe, draw
from annolooop.model.heads.head import Head

RECIPE = Recipe("all", seed=0, epochs=3, batch_size=4, rates=(1e-3, 1e-3, 1e-3))


def picture(name: str) -> bytes:
    """Noise; even numbers are bright above, odd ones below."""
    noise = np.random.default_rng(int(name)).integers(0, 120, (40, 48, 3))
    noise[slice(0, 20) if int(name) % 2 == 0 else slice(20, 40)] += 100
    out = io.BytesIO()
    Image.fromarray(noise.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    torch.set_num_threads(1)
    return build_backbone("shufflenet_v2_x0_5", "none", None, EvalTransform(40, 32), "cpu")


@pytest.fixture(scope="module")
def data() -> FinetuningData:
    names = [f"{n:02}" for n in range(16)]
    odd = np.array([int(name) % 2 == 1 for name in names])
    targets = np.stack([~odd, odd], axis=1)
    return FinetuningData(names, targets, False, np.arange(16) >= 10, picture)


@pytest.fixture
def tuner(backbone: Backbone, data: FinetuningData) -> FineTuner:
    return FineTuner(backbone, Head.fresh(2, backbone.info.dim, 0), data, RECIPE)


def test_the_probe_is_epoch_0(tuner: FineTuner) -> None:
    assert tuner.epoch == -1
    tuner.validate()
    assert (tuner.epoch, tuner.best_epoch) == (0, 0)


def test_each_epoch_adds_a_loss(tuner: FineTuner) -> None:
    tuner.validate()
    tuner.train_epoch(untracked)
    tuner.validate()
    assert tuner.epoch == 1
    assert len(tuner.losses) == 2
    assert tuner.losses[0] != tuner.losses[1]


def test_the_best_epoch_is_the_earliest_of_the_lowest_loss(tuner: FineTuner) -> None:
    tuner.losses = [0.7, 0.5, float("nan"), 0.5]
    assert tuner.best_epoch == 1
    tuner.losses = [float("nan"), 0.9]
    assert tuner.best_epoch == 1


def test_a_restored_run_has_the_same_next_epoch(
    tuner: FineTuner, backbone: Backbone, data: FinetuningData
) -> None:
    tuner.validate()
    tuner.train_epoch(untracked)
    tuner.validate()
    other = FineTuner(backbone, Head.fresh(2, backbone.info.dim, 0), data, RECIPE)
    other.restore(copy.deepcopy(tuner.state()))
    for one in (tuner, other):
        one.train_epoch(untracked)
        one.validate()
    assert tuner.losses == other.losses


def test_the_backbone_that_it_starts_from_stays(tuner: FineTuner, backbone: Backbone) -> None:
    before = backbone.to_bytes()
    tuner.train_epoch(untracked)
    assert backbone.to_bytes() == before


def test_draws_follow_from_their_words_alone() -> None:
    assert draw(0, 1, "order", "a") == draw(0, 1, "order", "a")
    assert len({draw(0, epoch, "order", "a") for epoch in range(20)}) == 20
