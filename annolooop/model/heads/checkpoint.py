"""A file from which interrupted learning goes on. It may be deleted, which costs only time."""

from pathlib import Path
from typing import Any

import torch

from annolooop.files.whole import make_folder, replacing


def load_checkpoint(file: Path) -> dict[str, Any] | None:
    """What was saved; ``None`` if there is no file, or a damaged one. Nothing in it is run."""
    try:
        read = torch.load(file, map_location="cpu", weights_only=True)
    except Exception:  # of a damaged file, torch's reader raises whatever comes of it
        return None
    return read if isinstance(read, dict) else None


def save_checkpoint(file: Path, state: dict[str, Any]) -> None:
    """Put a checkpoint in the place of all others in its folder: whole, or not at all."""
    make_folder(file.parent)
    with replacing(file) as part:
        torch.save(state, part)
    for other in file.parent.iterdir():
        if other != file:
            other.unlink(missing_ok=True)
