"""From a file's bytes to upright RGB pixels, no more of them than are needed."""

import numpy as np
import simplejpeg
import torch
from numpy.typing import NDArray
from PIL import ExifTags, ImageFile
from torch.nn import functional as F

from annolooop.model.picture import open_picture, upright


def read_pixels(data: bytes, side: int) -> torch.Tensor:
    """(3, h, w) uint8 pixels, upright, RGB; the short side has ``side`` pixels if the picture has.

    Raises:
        Unreadable: it cannot be decoded whole.
    """
    with open_picture(data, side) as opened:
        pixels = _whole_jpeg(opened, data)
        if pixels is None:
            pixels = np.array(upright(opened, side))
        return torch.from_numpy(pixels).permute(2, 0, 1)


def resize(pixels: torch.Tensor, size: tuple[int, int], interpolation: str) -> torch.Tensor:
    """(3, h, w) uint8 pixels in another size (height, width), as Pillow does it."""
    resized: torch.Tensor = F.interpolate(pixels[None], size, mode=interpolation, antialias=True)
    return resized[0]


def _whole_jpeg(opened: ImageFile.ImageFile, data: bytes) -> NDArray[np.uint8] | None:
    """What Pillow would give of a JPEG in full size, pixel for pixel, in two thirds of the time.

    ``None`` where only Pillow can read it, or less of it: other formats and colours, rotated
    pictures, large ones, and broken files, for which it names what is broken.
    """
    if (
        opened.format not in {"JPEG", "MPO"}
        or opened.mode != "RGB"
        or opened.decoderconfig[:1] != (1,)
    ):
        return None
    has_metadata = "exif" in opened.info or "xmp" in opened.info
    if has_metadata and opened.getexif().get(ExifTags.Base.Orientation, 1) != 1:
        return None
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data)
    except ValueError:
        return None
    return pixels
