"""A checkpoint comes back as it was, or not at all."""

from pathlib import Path
from typing import Any

import pytest
import torch

from annolooop.model.heads.checkpoint import load_checkpoint, save_checkpoint

STATE: dict[str, Any] = {"epoch": 3, "network": {"w": torch.arange(600.0)}}


def test_checkpoint_comes_back_and_is_alone(tmp_path: Path) -> None:
    (tmp_path / "other.pt").touch()
    save_checkpoint(tmp_path / "c.pt", STATE)
    read = load_checkpoint(tmp_path / "c.pt")
    assert read
    assert read["epoch"] == 3
    assert torch.equal(read["network"]["w"], STATE["network"]["w"])
    assert [file.name for file in tmp_path.iterdir()] == ["c.pt"]


@pytest.mark.parametrize("at", [0, 1000, 2000, -1])
def test_checkpoint_with_another_bit_is_none(tmp_path: Path, at: int) -> None:
    """Also amid its numbers, where torch takes any."""
    save_checkpoint(tmp_path / "c.pt", STATE)
    data = bytearray((tmp_path / "c.pt").read_bytes())
    data[at] ^= 1
    (tmp_path / "c.pt").write_bytes(data)
    assert load_checkpoint(tmp_path / "c.pt") is None


@pytest.mark.parametrize("body", [b"", b"x" * 40])
def test_file_of_something_else_is_none(tmp_path: Path, body: bytes) -> None:
    assert load_checkpoint(tmp_path / "none.pt") is None
    (tmp_path / "c.pt").write_bytes(body)
    assert load_checkpoint(tmp_path / "c.pt") is None
