"""Make the two demo batches: photographs of Aria the cat, and photographs that are not her.

Needs scikit-image and Pillow. Every picture is cut from a file inside the installed scikit-image
wheel, so nothing is downloaded. Writes batch_1 and batch_2 beside this script, each with ten JPEGs
and a labels.csv; running it again writes the same bytes.
"""

import csv
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageEnhance, ImageOps

LONG_SIDE = 448
QUALITY = 88


class Photo(NamedTuple):
    """One picture to make; the crop box is taken after the rotation."""

    file: str
    label: str
    source: str
    crop: tuple[int, int, int, int]  # left, top, right, bottom, in source pixels
    flip: bool = False
    brightness: float = 1.0
    degrees: float = 0.0  # anticlockwise


BATCHES: dict[str, list[Photo]] = {
    "batch_1": [
        Photo("coffee.jpg", "not_aria", "coffee.png", (40, 0, 600, 400)),
        Photo("aria_1.jpg", "aria", "chelsea.png", (0, 0, 451, 300)),
        Photo("aria_2.jpg", "aria", "chelsea.png", (90, 0, 390, 300), flip=True, brightness=1.1),
        Photo("astronaut.jpg", "not_aria", "astronaut.png", (0, 0, 440, 512)),
        Photo("handwriting.jpg", "not_aria", "text.png", (0, 0, 448, 172)),
        Photo("aria_3.jpg", "aria", "chelsea.png", (40, 25, 410, 275), degrees=5),
        Photo("gravel.jpg", "not_aria", "gravel.png", (20, 20, 300, 230)),
        Photo("aria_4.jpg", "aria", "chelsea.png", (110, 60, 370, 280), brightness=0.85),
        Photo("coins.jpg", "not_aria", "coins.png", (0, 0, 384, 303)),
        Photo("aria_5.jpg", "aria", "chelsea.png", (0, 30, 260, 300), flip=True),
    ],
    "batch_2": [
        Photo("aria_6.jpg", "aria", "chelsea.png", (20, 20, 431, 290), flip=True, brightness=0.9),
        Photo("cameraman.jpg", "not_aria", "camera.png", (0, 0, 480, 512)),
        Photo("retina.jpg", "not_aria", "retina.jpg", (0, 0, 1411, 1411)),
        Photo("aria_7.jpg", "aria", "chelsea.png", (200, 30, 400, 290), brightness=1.1),
        Photo("galaxies.jpg", "not_aria", "hubble_deep_field.jpg", (200, 150, 840, 630)),
        Photo("aria_8.jpg", "aria", "chelsea.png", (60, 30, 360, 270), degrees=-7),
        Photo("aria_9.jpg", "aria", "chelsea.png", (30, 0, 420, 200), brightness=1.05),
        Photo("grass.jpg", "not_aria", "grass.png", (100, 60, 380, 270)),
        Photo("aria_10.jpg", "aria", "chelsea.png", (60, 30, 320, 275), flip=True, degrees=4),
        Photo("clock_blurred.jpg", "not_aria", "clock_motion.png", (40, 20, 360, 260)),
    ],
}


def make(photo: Photo) -> Image.Image:
    """Cut one picture from its source file, as RGB with the long side at LONG_SIDE."""
    with (files("skimage") / "data" / photo.source).open("rb") as stream:
        image = Image.open(stream).convert("RGB")
    image = image.rotate(photo.degrees, Image.Resampling.BICUBIC).crop(photo.crop)
    if photo.flip:
        image = ImageOps.mirror(image)
    image = ImageEnhance.Brightness(image).enhance(photo.brightness)
    return ImageOps.contain(image, (LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)


def main() -> None:
    """Write every picture and the labels of both batches."""
    for name, photos in BATCHES.items():
        folder = Path(__file__).resolve().parent / name
        folder.mkdir(exist_ok=True)
        for photo in photos:
            make(photo).save(folder / photo.file, quality=QUALITY)
        with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("file", "label"))
            writer.writerows((photo.file, photo.label) for photo in photos)


if __name__ == "__main__":
    main()
