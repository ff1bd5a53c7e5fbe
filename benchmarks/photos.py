"""Photo-like JPEGs for benchmarks: soft colours, shapes with edges, and grain; the same each time.

A JPEG's decoding time depends on its size and on how much detail it keeps. These take about as
many bytes as real photographs of the same size do (0.2 MP: 50 KB, 12 MP: 2.4 MB).

Run it: python benchmarks/photos.py FOLDER [--count N] [--megapixels N] [--seed N]
"""

import argparse
import io
import os
import random
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw

SHAPES = ((4, 3), (3, 4), (3, 2), (1, 1))  # width and height that photographs have
QUALITY = 85
GRAIN = 10  # standard deviation, of 255, before smoothing
KINDS = frozenset({".jpg", ".jpeg", ".png", ".webp"})
SMALLER = 4  # everything but the grain is drawn in this much smaller a size


def main() -> None:
    """Write photos as the command line says."""
    parser = argparse.ArgumentParser(description="Write photo-like JPEGs.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=100, metavar="N", help="default: 100")
    parser.add_argument("--megapixels", type=float, default=0.2, metavar="N", help="default: 0.2")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    args = parser.parse_args()
    files = write_photos(args.folder, args.count, args.megapixels, args.seed)
    size = sum(file.stat().st_size for file in files) / max(1, len(files))
    print(
        f"{len(files)} photos of {args.megapixels:g} MP in {args.folder}: {size / 1e3:.0f} KB each"
    )


def write_photos(folder: Path, count: int, megapixels: float, seed: int = 0) -> list[Path]:
    """Write distinct photos `photo-000000.jpg`, ... to a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"photo-{number:06}.jpg" for number in range(count)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = pool.map(lambda number: photo(seed * 1_000_003 + number, megapixels), range(count))
        for file, data in zip(files, made, strict=True):
            file.write_bytes(data)
    return files


def photos(count: int, megapixels: float, seed: int = 0) -> Iterator[bytes]:
    """The bytes of the same photos, one after the other."""
    for number in range(count):
        yield photo(seed * 1_000_003 + number, megapixels)


def photos_in(folder: Path, kinds: Collection[str] = KINDS) -> list[Path]:
    """Photos in a folder and below it, sorted; ends the benchmark where there are none."""
    found = sorted(f for f in folder.rglob("*") if f.suffix.lower() in kinds and f.is_file())
    if not found:
        raise SystemExit(f"there are no photos in {folder}")
    return found


def photo(number: int, megapixels: float) -> bytes:
    """A photo, the same for the same arguments."""
    draw = random.Random(number)
    across, down = SHAPES[draw.randrange(len(SHAPES))]
    unit = (megapixels * 1e6 / (across * down)) ** 0.5
    size = (max(16, round(across * unit)), max(16, round(down * unit)))
    picture = _scene(draw, (size[0] // SMALLER + 1, size[1] // SMALLER + 1))
    picture = picture.resize(size, Image.Resampling.BICUBIC)
    picture = ImageChops.add(picture, _grain(draw, size), offset=-128)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _scene(draw: random.Random, size: tuple[int, int]) -> Image.Image:
    """Soft colours, and shapes in front of them."""
    picture = _noise(draw, (4, 3), size)
    for cells in (12, 60):
        picture = Image.blend(picture, _noise(draw, (cells, cells), size), 0.35)
    pen = ImageDraw.Draw(picture)
    for _ in range(draw.randint(4, 12)):
        x, y = draw.randrange(size[0]), draw.randrange(size[1])
        width, height = (draw.randint(1, max(2, side // 3)) for side in size)
        colour = (draw.randrange(256), draw.randrange(256), draw.randrange(256))
        shape = pen.ellipse if draw.random() < 0.5 else pen.rectangle
        shape((x, y, x + width, y + height), fill=colour)
    return picture


def _noise(draw: random.Random, cells: tuple[int, int], size: tuple[int, int]) -> Image.Image:
    """Random colours, one to a cell, with soft passages between them."""
    data = draw.randbytes(cells[0] * cells[1] * 3)
    return Image.frombytes("RGB", cells, data).resize(size, Image.Resampling.BICUBIC)


def _grain(draw: random.Random, size: tuple[int, int]) -> Image.Image:
    """What a sensor adds, around 128: drawn for a part, and repeated from there."""
    side = 512
    noise = np.random.default_rng(draw.getrandbits(64)).normal(0, GRAIN, (side, side))
    smooth = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) / 3 + 128
    tile = Image.fromarray(smooth.clip(0, 255).astype(np.uint8))
    whole = Image.new("L", size)
    for left in range(0, size[0], side):
        for top in range(0, size[1], side):
            whole.paste(tile, (left, top))
    return Image.merge("RGB", [whole] * 3)


if __name__ == "__main__":
    main()
