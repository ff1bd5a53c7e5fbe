"""Backbones with their last layer replaced, on real pixels."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image, features
from torch import nn

from annolooop.errors import ConfigError, DataError
from annolooop.model.backbones.classifier import (
    Backbone,
    build_backbone,
    pick_device,
    restore_backbone,
)
from annolooop.model.backbones.pipeline import Pipeline
from annolooop.model.backbones.transforms import EvalTransform
from annolooop.model.backbones.weights import load_weights, read_state
from annolooop.model.picture import Unreadable

needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")


def photo(color: tuple[int, ...] = (200, 30, 30), kind: str = "JPEG", mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    picture = Image.new("RGB", (320, 240), color)  # type: ignore[arg-type]
    picture.paste((10, 10, 10), (40, 30, 200, 120))
    picture.convert(mode).save(buffer, kind)
    return buffer.getvalue()


def random_backbone(name: str = "mobilenet_v3_small") -> Backbone:
    return build_backbone(name, "none", None, EvalTransform())


@pytest.mark.parametrize(
    ("name", "dim"),
    [
        ("resnet18", 512),
        ("resnet34", 512),
        ("resnet50", 2048),
        ("mobilenet_v2", 1280),
        ("mobilenet_v3_small", 1024),
        ("efficientnet_b0", 1280),
        ("convnext_tiny", 768),
    ],
)
def test_embedding_is_what_the_last_layer_saw(name: str, dim: int) -> None:
    torch.manual_seed(3)
    whole = torchvision.models.get_model(name, weights=None).eval()
    backbone = build_backbone(name, "mine", whole.state_dict(), EvalTransform(), "cpu")
    assert backbone.info.dim == dim
    pixels = torch.randint(0, 256, (2, 3, 224, 224), dtype=torch.uint8)
    last = list(whole.modules())[-1]
    assert isinstance(last, nn.Linear)
    with torch.inference_mode():
        logits = whole(EvalTransform().normalise(pixels)).numpy()
        ours = last(torch.from_numpy(backbone.embed(pixels))).numpy()
    assert np.allclose(ours, logits, atol=1e-3)


def test_network_without_a_linear_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="squeezenet1_0 does not end in a linear layer"):
        random_backbone("squeezenet1_0")


def test_unknown_network_gets_a_suggestion() -> None:
    with pytest.raises(ConfigError) as caught:
        random_backbone("resnet81")
    assert "resnet18" in caught.value.hint


def test_kept_weights_give_the_same_embeddings() -> None:
    backbone = random_backbone()
    restored = restore_backbone(backbone.info, backbone.to_bytes(), "cpu")
    pixels = torch.randint(0, 256, (3, 3, 224, 224), dtype=torch.uint8)
    assert restored.info == backbone.info
    assert np.array_equal(restored.embed(pixels), backbone.embed(pixels))


def test_checkpoint_of_another_network_is_refused() -> None:
    state = torchvision.models.get_model("resnet18", weights=None).state_dict()
    with pytest.raises(DataError, match="do not fit resnet50"):
        build_backbone("resnet50", "mine.pt", state, EvalTransform())


def test_missing_device_is_named() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(ConfigError, match=r"infer\.device is cuda"):
        pick_device("cuda")


def test_transform_is_written_into_one_line_and_read_back() -> None:
    transform = EvalTransform(232, 224, "bicubic", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert EvalTransform.parse(transform.id) == transform


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("JPEG", "RGB"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("GIF", "P"),
        ("WEBP", "RGB"),
        ("BMP", "RGB"),
        ("TIFF", "CMYK"),
        pytest.param("AVIF", "RGB", marks=needs_avif),
    ],
)
def test_decode_gives_rgb_of_one_size(kind: str, mode: str) -> None:
    pixels = EvalTransform().decode(photo(kind=kind, mode=mode))
    assert pixels.shape == (3, 224, 224)
    assert pixels.dtype == torch.uint8


def test_decode_takes_the_first_frame() -> None:
    frames = [Image.new("RGB", (300, 300), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    red, _, blue = EvalTransform().decode(buffer.getvalue()).float().mean(dim=(1, 2))
    assert red > 250
    assert blue < 5


def test_decompression_bomb_is_refused() -> None:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    with pytest.raises(Unreadable, match="too many pixels"):
        EvalTransform().decode(buffer.getvalue())


def test_large_photograph_is_decoded_without_a_warning(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50_000)
    assert EvalTransform().decode(photo()).shape == (3, 224, 224)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_decode_scales_16_bits(kind: str) -> None:
    buffer = io.BytesIO()
    steps = np.linspace(0, 65535, 300 * 300).reshape(300, 300).astype(np.uint16)
    Image.fromarray(steps).save(buffer, kind)
    pixels = EvalTransform().decode(buffer.getvalue()).float()
    assert abs(pixels.mean() - 127.5) < 2
    assert pixels.min() < 30
    assert pixels.max() > 225


def test_decode_shows_white_where_a_picture_is_transparent() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(buffer, "PNG")
    assert EvalTransform().decode(buffer.getvalue()).float().mean() == 255


def test_decode_turns_pictures_upright() -> None:
    buffer = io.BytesIO()
    picture = Image.open(io.BytesIO(photo()))
    exif = picture.getexif()
    exif[274] = 6  # turned by a quarter
    picture.save(buffer, "JPEG", exif=exif)
    upright = EvalTransform().decode(photo()).float()
    turned = EvalTransform().decode(buffer.getvalue()).float()
    assert (torch.rot90(turned, 1, (1, 2)) - upright).abs().mean() < 3


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "the file is empty"), (b"text", "not an image"), (photo()[:900], "truncated")],
)
def test_what_cannot_be_decoded_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        EvalTransform().decode(data)


def test_long_thin_picture_does_not_fill_the_memory() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (1, 40_000)).save(buffer, "PNG")
    with pytest.raises(Unreadable, match="too long and thin: 1 × 40000 pixels"):
        EvalTransform().decode(buffer.getvalue())


def test_pipeline_names_the_unreadable_and_embeds_the_rest() -> None:
    files = [(f"{n}.jpg", photo((n * 20, 0, 0))) for n in range(7)]
    files.insert(3, ("bad.jpg", b"no"))
    pipeline = Pipeline(random_backbone(), batch_size=3)
    batches = list(pipeline.embed(files))
    vectors = {name: v for batch in batches for name, v in batch.vectors.items()}
    assert list(vectors) == [name for name, _ in files if name != "bad.jpg"]
    assert [b.unreadable for b in batches if b.unreadable] == [{"bad.jpg": "not an image"}]
    assert vectors["0.jpg"].shape == (1024,)


def test_pipeline_takes_files_only_as_it_needs_them() -> None:
    taken: list[int] = []

    def files() -> object:
        for n in range(100):
            taken.append(n)
            yield f"{n}", photo()

    memory = 7 * 3 * 224**2  # with four that are yielded, and one that waits to be let in: twelve
    pipeline = Pipeline(random_backbone(), batch_size=4, memory=memory)
    next(pipeline.embed(files()))  # type: ignore[arg-type]
    assert len(taken) <= 12


def never(*_: object) -> None:
    raise AssertionError("nothing is to be fetched")


def test_file_of_weights_is_loaded_without_running_it(tmp_path: Path) -> None:
    network = torchvision.models.get_model("mobilenet_v3_small", weights=None)
    torch.save({"state_dict": network.state_dict()}, tmp_path / "good.pth")
    state, _ = load_weights(
        "mobilenet_v3_small", str(tmp_path / "good.pth"), tmp_path, never, never
    )
    assert state is not None
    assert set(state) == set(network.state_dict())
    torch.save(network, tmp_path / "pickled.pth")
    with pytest.raises(DataError, match="cannot be read as weights"):
        read_state(tmp_path / "pickled.pth")


def test_weights_nobody_knows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no weights 'V9', and there is no such file"):
        load_weights("resnet18", "V9", tmp_path, never, never)
    with pytest.raises(ConfigError) as caught:
        load_weights("resnet18", "starter", tmp_path, never, never)
    assert "mobilenet_v2" in caught.value.hint
