"""Photographs that a person can judge: red circles and blue squares; no name says which."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SHAPES = ("circle", "square")


def write_shapes(folder: Path, count: int, seed: int = 0) -> dict[str, str]:
    """Each on a coarse pattern of its own. Returns name -> what it shows."""
    rng = np.random.default_rng(seed)
    folder.mkdir(exist_ok=True)
    shows: dict[str, str] = {}
    for number in range(count):
        ground = Image.fromarray(rng.integers(60, 200, (6, 6, 3), np.uint8))
        photo = ground.resize((320, 240), Image.Resampling.BICUBIC)
        draw = ImageDraw.Draw(photo)
        size = int(rng.integers(40, 90))
        box = (160 - size, 120 - size, 160 + size, 120 + size)
        name = f"IMG_{number:04d}.jpg"
        shows[name] = SHAPES[int(rng.random() < 0.5)]
        if shows[name] == "circle":
            draw.ellipse(box, fill=(220, int(rng.integers(90)), 40))
        else:
            draw.rectangle(box, fill=(40, int(rng.integers(90)), 220))
        photo.save(folder / name)
    return shows
