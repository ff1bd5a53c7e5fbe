"""A file from which interrupted learning goes on. It may be deleted, which costs only time."""

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from annolooop.files.whole import make_folder, replacing

DIGEST = 32  # bytes at the end: SHA-256 of all before them; torch notices not every change


def load_checkpoint(file: Path) -> dict[str, Any] | None:
    """What was saved; ``None`` if there is no file, or a damaged one. Nothing in it is run."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    saved, digest = data[:-DIGEST], data[-DIGEST:]
    if hashlib.sha256(saved).digest() != digest:
        return None
    state: dict[str, Any] = torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)
    return state


def save_checkpoint(file: Path, state: dict[str, Any]) -> None:
    """Put a checkpoint in the place of all others in its folder: whole, or not at all."""
    make_folder(file.parent)
    with replacing(file) as part:
        torch.save(state, part)
        with part.open("r+b") as written:
            digest = hashlib.sha256()
            while block := written.read(1_000_000):
                digest.update(block)
            written.write(digest.digest())
    for other in file.parent.iterdir():
        if other != file:
            other.unlink(missing_ok=True)
