"""Weights from torchvision's hub: the cache, a real HTTP server, and no hub at all."""

import hashlib
import io
import random
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch
import torchvision

from annolooop.errors import DataError, UnreachableError
from annolooop.model.backbones import weights as module
from annolooop.model.backbones.weights import hub_file, load_weights, read_state

NAME = "mobilenet_v3_small"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder served over HTTP in the place of torchvision's hub, and an empty torch cache."""
    served = tmp_path / "hub"
    served.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
        entry = torchvision.models.get_model_weights(NAME)["DEFAULT"]
        real = module._entry

        class Redirected:
            url = f"http://127.0.0.1:{server.server_port}/{file_name(served)}"
            transforms = entry.transforms

        monkeypatch.setattr(
            module, "_entry", lambda b, w: Redirected if real(b, w) is not None else None
        )
        yield served
        server.shutdown()


def file_name(served: Path) -> str:
    """Put weights into the folder; as torchvision does, the name ends with their hash."""
    buffer = io.BytesIO()
    torch.save(torchvision.models.get_model(NAME, weights=None).state_dict(), buffer)
    name = f"weights-{hashlib.sha256(buffer.getvalue()).hexdigest()[:8]}.pth"
    (served / name).write_bytes(buffer.getvalue())
    return name


def load(tmp_path: Path) -> object:
    return load_weights(NAME, "DEFAULT", tmp_path, lambda *_: None, lambda _: None)[0]


def test_weights_are_fetched_once(hub: Path, tmp_path: Path) -> None:
    assert load(tmp_path)
    file = hub_file(NAME, "DEFAULT")
    assert file is not None
    assert file.exists()
    for served in hub.iterdir():
        served.unlink()
    assert load(tmp_path)


def test_file_that_is_not_there_says_where_to_put_one(hub: Path, tmp_path: Path) -> None:
    (name,) = (served.name for served in hub.iterdir())
    (hub / name).unlink()
    with pytest.raises(UnreachableError) as caught:
        load(tmp_path)
    assert "404" in caught.value.message
    assert f"Put the file {name} into {tmp_path / 'torch' / 'checkpoints'}" in caught.value.hint
    assert "weights=starter" in caught.value.hint


def test_changed_file_is_refused_and_not_kept(hub: Path, tmp_path: Path) -> None:
    (served,) = hub.iterdir()
    served.write_bytes(served.read_bytes() + b"x")
    with pytest.raises(DataError, match="is not the file that torchvision names"):
        load(tmp_path)
    assert list((tmp_path / "torch" / "checkpoints").iterdir()) == []


def test_no_hub_is_told_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(UnreachableError, match="resnet18 DEFAULT could not be downloaded"):
        load_weights("resnet18", "DEFAULT", tmp_path, lambda *_: None, lambda _: None)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_damaged_file_is_an_error_whatever_torch_raises(tmp_path: Path) -> None:
    """Of 300 damages, its readers raise some ten kinds of errors."""
    file, draw = tmp_path / "w.pt", random.Random(0)
    wholes = []
    for zipped in (True, False):
        state = {"a": torch.zeros(4, 4), "b": torch.ones(3)}
        torch.save(state, file, _use_new_zipfile_serialization=zipped)
        wholes.append(file.read_bytes())
    refused = 0
    for _ in range(300):
        data = bytearray(draw.choice(wholes))
        for _ in range(draw.randrange(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        file.write_bytes(data)
        with suppress(DataError):
            read_state(file)
            continue
        refused += 1
    assert refused > 100


@pytest.mark.parametrize("state", [{1: torch.zeros(2)}, {"a": 5}, [1, 2], "text", torch.zeros(2)])
def test_file_of_something_else_is_no_state(tmp_path: Path, state: object) -> None:
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(DataError, match="holds no state dict"):
        read_state(tmp_path / "w.pt")
