"""The stream from files to embeddings: its threads, its bounds, and what it computes in."""

import gc
import io
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import nn

from annolooop.errors import ConfigError
from annolooop.model.backbones.classifier import Backbone, build_backbone
from annolooop.model.backbones.pipeline import Pipeline
from annolooop.model.backbones.pixels import read_pixels
from annolooop.model.backbones.precision import pick_precision
from annolooop.model.backbones.transforms import EvalTransform
from annolooop.model.machine import cores

CPU = torch.device("cpu")


def photo(number: int = 0, size: tuple[int, int] = (60, 45), exif: int = 1) -> bytes:
    colours = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC)
    metadata = picture.getexif()
    if exif > 1:
        metadata[274] = exif
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=metadata)
    return buffer.getvalue()


def small_backbone(precision: str = "fp32") -> Backbone:
    transform = EvalTransform(40, 32)
    return build_backbone("resnet18", "none", None, transform, "cpu", precision=precision)


class Cramped(nn.Module):
    """A network on a device that holds no more than three images; torch.fx cannot follow it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def __deepcopy__(self, memo: object) -> "Cramped":
        return self

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        if len(batch) > 3:
            raise torch.OutOfMemoryError("no room")
        self.seen.append(len(batch))
        return batch.mean(dim=(2, 3))


def embedded(pipeline: Pipeline, files: list[tuple[str, bytes]]) -> dict[str, np.ndarray]:
    return {k: v for batch in pipeline.embed(files) for k, v in batch.vectors.items()}


def own_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "embed"]


def test_what_does_not_fit_the_device_goes_in_halves() -> None:
    cramped = Cramped()
    pipeline = Pipeline(replace(small_backbone(), module=cramped), batch_size=10)
    vectors = embedded(pipeline, [(f"{n}", photo(n)) for n in range(20)])
    assert list(vectors) == [f"{n}" for n in range(20)]
    assert set(cramped.seen) == {2}  # 10, 5, 2


def test_embeddings_do_not_depend_on_the_batch() -> None:
    files = [(f"{n}", photo(n)) for n in range(9)]
    alone, together = (embedded(Pipeline(small_backbone(), n), files) for n in (1, 8))
    assert list(alone) == list(together)
    assert np.allclose(list(alone.values()), list(together.values()), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("breaks", [True, False])
def test_threads_end_with_the_stream(breaks: bool) -> None:
    closed: list[bool] = []

    def files() -> Iterator[tuple[str, bytes]]:
        try:
            for n in range(10_000):
                if breaks and n == 30:
                    raise OSError("the disk is gone")
                yield f"{n}", photo()
        finally:
            closed.append(True)

    stream = Pipeline(small_backbone(), 2).embed(files())
    if breaks:
        with pytest.raises(OSError, match="the disk is gone"):
            list(stream)
    else:
        next(stream)
        del stream  # nobody asks for the rest
        gc.collect()
    assert not own_threads()
    assert closed == [True]


def test_large_files_wait_outside_of_memory() -> None:
    taken = 0

    def files() -> Iterator[tuple[str, bytes]]:
        nonlocal taken
        for n in range(60):
            taken += 1
            yield f"{n}", photo() + bytes(1_000_000)

    pipeline = Pipeline(small_backbone(), 4, memory=8_000_000)
    most, yielded = 0, 0
    for batch in pipeline.embed(files()):
        time.sleep(0.01)
        yielded += len(batch.vectors)
        most = max(most, taken - yielded)
    assert yielded == 60
    assert most <= 8_000_000 // 3 // 32**2
    assert set(pipeline.busy()) == {"decode", "forward"}


def test_network_is_folded_for_inference_alone() -> None:
    backbone = small_backbone()
    kept = backbone.to_bytes()
    backbone.embed(backbone.empty(2).zero_())
    assert not any(isinstance(part, nn.BatchNorm2d) for part in backbone.network.modules())
    assert any(isinstance(part, nn.BatchNorm2d) for part in backbone.module.modules())
    assert backbone.to_bytes() == kept


def test_half_precision_changes_embeddings_little() -> None:
    if pick_precision("auto", CPU) != "bf16":
        pytest.skip("this processor has no bf16")
    files = [(f"{n}", photo(n)) for n in range(8)]
    exact, fast = Pipeline(small_backbone()), Pipeline(small_backbone("auto"))
    assert (exact.precision, fast.precision) == ("fp32", "bf16")
    assert exact.info == fast.info
    x, y = (np.stack(list(embedded(p, files).values())) for p in (exact, fast))
    assert 0 < np.abs(x - y).mean() < 0.02 * np.abs(x).mean()


def test_precision_that_the_device_lacks_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"infer\.precision is fp16, which this cpu") as caught:
        small_backbone("fp16")
    assert "infer.precision=auto" in caught.value.hint


@pytest.mark.parametrize("exif", range(1, 9))
def test_every_orientation_is_as_pillow_has_it(exif: int) -> None:
    data = photo(exif, exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert np.array_equal(read_pixels(data, 40).permute(1, 2, 0).numpy(), upright)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no cores")
def test_cores_are_those_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, before)
