"""Fine-tuning: learns, repeats itself to the bit, goes on where it was killed."""

import io
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from annolooop.domain.progress import untracked
from annolooop.model.backbones.classifier import Backbone, build_backbone, restore_backbone
from annolooop.model.backbones.stages import last_stage
from annolooop.model.backbones.transforms import EvalTransform
from annolooop.model.heads.fine_tuner import FinetuningData, Recipe
from annolooop.model.heads.finetune import FinetuneResult, finetune, split_validation
from annolooop.model.heads.head import Head

RECIPE = Recipe("all", seed=0, epochs=3, batch_size=8, rates=(1e-3, 1e-3, 1e-3))
COUNT = 30


def picture(name: str) -> bytes:
    """Noise; even numbers have a bright top, odd ones a bright bottom."""
    number = int(name)
    noise = np.random.default_rng(number).integers(0, 120, (40, 48, 3))
    half = slice(0, 20) if number % 2 == 0 else slice(20, 40)
    noise[half] += 100
    buffer = io.BytesIO()
    Image.fromarray(noise.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def make_data(backwards: bool = False, multiple: bool = False) -> FinetuningData:
    names = [f"{n:02}" for n in range(COUNT)]
    if backwards:
        names.reverse()
    bottom = np.array([int(name) % 2 == 1 for name in names])
    both = np.array([multiple and int(name) % 5 == 0 for name in names])
    targets = np.stack([~bottom | both, bottom | both], axis=1)
    validation = split_validation(names, targets, multiple, 0)
    return FinetuningData(names, targets, multiple, validation, picture)


def make_backbone() -> Backbone:
    return build_backbone("shufflenet_v2_x0_5", "none", None, EvalTransform(40, 32), "cpu")


def run(
    folder: Path, recipe: Recipe = RECIPE, track: Any = untracked, **data: bool
) -> FinetuneResult:
    torch.set_num_threads(1)  # the networks are tiny
    backbone, given = make_backbone(), make_data(**data)
    probe = Head.fresh(2, backbone.info.dim, 0, given.multiple)
    return finetune(backbone, probe, given, recipe, folder, track)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> FinetuneResult:
    """A run that nothing interrupted."""
    return run(tmp_path_factory.mktemp("whole"))


def same(one: FinetuneResult, other: FinetuneResult) -> bool:
    return (one.backbone.to_bytes(), one.head.to_bytes(), one.losses) == (
        other.backbone.to_bytes(),
        other.head.to_bytes(),
        other.losses,
    )


def changed(before: Backbone, after: Backbone) -> set[str]:
    old, new = before.module.state_dict(), after.module.state_dict()
    return {key for key in old if not torch.equal(old[key], new[key])}


def test_tuning_lowers_the_validation_loss(whole: FinetuneResult) -> None:
    assert whole.best_epoch > 0
    assert whole.losses[whole.best_epoch] == min(whole.losses) < whole.losses[0]
    assert (len(whole.losses), whole.stopped_early, whole.resumed_from) == (4, False, 0)


def test_tuned_backbone_has_a_fingerprint_of_its_own_and_names_its_base(
    whole: FinetuneResult,
) -> None:
    base = make_backbone().info
    info = whole.backbone.info
    assert info.fingerprint != base.fingerprint
    assert replace(base, fingerprint=info.fingerprint, base=base.fingerprint, tuned="all") == info
    restored = restore_backbone(info, whole.backbone.to_bytes(), "cpu")
    assert restored.info == info


def test_statistics_of_batchnorm_stay(whole: FinetuneResult) -> None:
    keys = changed(make_backbone(), whole.backbone)
    assert "conv1.0.weight" in keys
    assert "conv1.1.weight" in keys
    assert not [key for key in keys if "running" in key or "num_batches" in key]


def test_layer4_leaves_earlier_stages_alone(tmp_path: Path) -> None:
    tuned = run(tmp_path, replace(RECIPE, mode="layer4"))
    assert tuned.best_epoch > 0
    parts = {key.partition(".")[0] for key in changed(make_backbone(), tuned.backbone)}
    assert parts == {"conv5"}


def test_same_seed_gives_the_same_weights_in_whatever_order(
    whole: FinetuneResult, tmp_path: Path
) -> None:
    assert same(run(tmp_path, backwards=True), whole)
    assert run(tmp_path, replace(RECIPE, seed=1)).losses[1:] != whole.losses[1:]


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_finetune import run
def track(items, stage, total=None):
    for i, item in enumerate(items):
        if stage == "fine-tune 3/3" and i == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        yield item
run(Path(sys.argv[2]), track=track)
"""


@pytest.mark.slow
def test_killed_run_goes_on_and_ends_the_same(whole: FinetuneResult, tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    killed = subprocess.run([sys.executable, "-c", KILLED, here, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    stages: list[str] = []

    def track(items: Iterable[Any], stage: str, total: int | None = None) -> Iterator[Any]:
        stages.append(stage)
        return iter(items)

    resumed = run(tmp_path, track=track)
    assert (resumed.resumed_from, stages) == (2, ["fine-tune 3/3"])
    assert same(resumed, whole)
    # What is finished is not done again, until the caller removes the file.
    stages.clear()
    assert same(run(tmp_path, track=track), whole)
    assert stages == []


def test_damaged_checkpoint_costs_only_time(whole: FinetuneResult, tmp_path: Path) -> None:
    file = tmp_path / whole.checkpoint.name
    file.write_bytes(whole.checkpoint.read_bytes()[:5000])
    (tmp_path / "other.pt").write_bytes(b"of other labels")
    again = run(tmp_path)
    assert again.resumed_from == 0
    assert same(again, whole)
    assert list(tmp_path.iterdir()) == [file]


def test_probe_stays_when_no_epoch_is_better(tmp_path: Path) -> None:
    recipe = replace(RECIPE, epochs=9, patience=2, rates=(50.0, 50.0, 50.0))
    tuned = run(tmp_path, recipe)
    assert (tuned.best_epoch, len(tuned.losses), tuned.stopped_early) == (0, 3, True)
    assert changed(make_backbone(), tuned.backbone) == set()
    assert tuned.backbone.info == make_backbone().info


def test_several_labels_for_an_image_are_learnt(tmp_path: Path) -> None:
    tuned = run(tmp_path, multiple=True)
    assert tuned.head.multiple
    assert min(tuned.losses) < tuned.losses[0]


def test_validation_takes_its_share_of_each_label() -> None:
    names = [f"{n:03}" for n in range(111)]
    targets = np.zeros((111, 3), bool)
    targets[:100, 0] = targets[100:110, 1] = targets[110:, 2] = True
    chosen = split_validation(names, targets, False, 0)
    assert targets[chosen].sum(axis=0).tolist() == [20, 2, 0]
    backwards = split_validation(names[::-1], targets[::-1], False, 0)
    assert backwards[::-1].tolist() == chosen.tolist()
    assert split_validation(names, targets, False, 1).tolist() != chosen.tolist()


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("resnet18", {"layer4"}),
        ("resnet152", {"layer4", "fc"}),
        ("mobilenet_v2", {"features.17", "features.18", "classifier"}),
        ("convnext_tiny", {"features.7", "classifier"}),
        ("swin_t", {"features.7", "norm", "head"}),
    ],
)
def test_last_stage_of_different_networks(name: str, begins: set[str]) -> None:
    with torch.device("meta"):
        network = torchvision.models.get_model(name, weights=None)
    if name == "resnet18":
        network.fc = torch.nn.Identity()
    last = {id(p) for p in last_stage(network)}
    keys = {key for key, p in network.named_parameters() if id(p) in last}
    assert {b for b in begins if any(key.startswith(f"{b}.") for key in keys)} == begins
    assert all(key.startswith(tuple(f"{b}." for b in begins)) for key in keys)


def test_random_crop_follows_from_its_seed_alone() -> None:
    transform = EvalTransform(40, 32)
    data = picture("07")
    alone = [transform.augment(data, seed) for seed in range(40)]
    with ThreadPoolExecutor(8) as pool:
        threaded = list(pool.map(lambda seed: transform.augment(data, seed), range(40)))
    assert all(torch.equal(a, b) for a, b in zip(alone, threaded, strict=True))
    assert len({a.numpy().tobytes() for a in alone}) == 40
    assert alone[0].shape == (3, 32, 32)
