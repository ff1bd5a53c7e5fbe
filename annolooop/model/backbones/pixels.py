"""From a file's bytes to upright RGB pixels, no more of them than are needed."""

import io
import warnings

import numpy as np
import simplejpeg
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from torch.nn import functional as F

from annolooop.model.thumbnail import to_rgb

# Large photographs are welcome; what is too large is an error of its own, at twice the limit.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)

MAX_ASPECT = 100  # long side over short: beyond it, resizing the short side fills the memory


class Unreadable(Exception):
    """These bytes are not an image that can be decoded; the text says why."""


def read_pixels(data: bytes, side: int) -> torch.Tensor:
    """(3, h, w) uint8 pixels, upright, RGB; the short side has ``side`` pixels if the picture has.

    Raises:
        Unreadable: it cannot be decoded whole.
    """
    try:
        with Image.open(io.BytesIO(data)) as opened:
            whole = opened.size
            # Lets the JPEG decoder skip detail that resizing would throw away.
            opened.draft("RGB", (side, side))
            if max(opened.size) > MAX_ASPECT * min(opened.size):
                raise Unreadable(f"too long and thin: {opened.width} × {opened.height} pixels")
            pixels = _whole_jpeg(opened, data) if opened.size == whole else None
            if pixels is None:
                pixels = np.array(to_rgb(ImageOps.exif_transpose(opened)))
            return torch.from_numpy(pixels).permute(2, 0, 1)
    except Unreadable:
        raise
    except Exception as error:  # decoders raise whatever they like on broken bytes
        raise Unreadable(_reason(data, error)) from error


def resize(pixels: torch.Tensor, size: tuple[int, int], interpolation: str) -> torch.Tensor:
    """(3, h, w) uint8 pixels in another size (height, width), as Pillow does it."""
    resized: torch.Tensor = F.interpolate(pixels[None], size, mode=interpolation, antialias=True)
    return resized[0]


def _whole_jpeg(opened: Image.Image, data: bytes) -> NDArray[np.uint8] | None:
    """What Pillow would give of a JPEG in full size, pixel for pixel, in two thirds of the time.

    ``None`` where only Pillow can read it: other formats and colours, rotated pictures, and
    broken files, for which it names what is broken.
    """
    if opened.format not in {"JPEG", "MPO"} or opened.mode != "RGB":
        return None
    has_metadata = "exif" in opened.info or "xmp" in opened.info
    if has_metadata and opened.getexif().get(ExifTags.Base.Orientation, 1) != 1:
        return None
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data)
    except ValueError:
        return None
    return pixels


def _reason(data: bytes, error: Exception) -> str:
    if not data:
        return "the file is empty"
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels"
    return str(error) or type(error).__name__
