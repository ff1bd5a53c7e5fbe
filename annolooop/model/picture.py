"""The one opener of images: named formats, bounded bytes and pixels. Needs no torch.

Each image that is opened counts with its pixels until it is let go, and all that are open at once
are bounded: a file of some kilobytes may hold a hundred million pixels.
"""

import ctypes
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Condition

import PIL
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from annolooop.domain.picture_kinds import too_large, why_unread
from annolooop.model.machine import cores, free_memory

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "AVIF", "TIFF")  # MPO is JPEG to Pillow
MOST_PIXELS = 2 * 89_478_485  # of an image; Pillow's own limit
MAX_ASPECT = 100  # long side over short: beyond it, resizing the short side fills the memory
LARGE = 2**24  # pixels above which an image is made smaller before anything else is done to it
BYTES_PER_PIXEL = 12  # while it is decoded and turned upright
COPY_SIDE = 4096  # pixels of the longer side of a viewable copy, at most

# Larger blocks go back to the system when they are freed, also those of threads.
Image.core.set_block_size(2**26)  # type: ignore[attr-defined]
# Large photographs are welcome; what is too large is an error of its own, at twice the limit.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


class Unreadable(Exception):
    """These bytes are not an image that can be decoded; the text says why."""


class _Room:
    """Pixels of images that are open at once; one that is alone always fits."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._taken = 0

    @contextmanager
    def taking(self, pixels: int, most: int) -> Iterator[None]:
        with self._changed:
            while self._taken and self._taken + pixels > most:
                self._changed.wait()
            self._taken += pixels
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()


_room = _Room()


@contextmanager
def open_picture(data: bytes, side: int = 0) -> Iterator[ImageFile.ImageFile]:
    """An image, not decoded yet; waits while too many pixels of others are open.

    Args:
        data: the file's bytes.
        side: a JPEG's decoder may skip detail as long as this many pixels are left on each side;
            0: all is decoded.

    Raises:
        Unreadable: it is no image, or is too large; also for what goes wrong in the block.
    """
    if why := too_large(len(data)):
        raise Unreadable(why)
    try:
        with _opened(data) as opened:
            if side:
                opened.draft("RGB", (side, side))
            if max(opened.size) > MAX_ASPECT * min(opened.size):
                raise Unreadable(f"too long and thin: {opened.width} × {opened.height} pixels")
            with _room.taking(opened.width * opened.height, _pixels_at_once()):
                try:
                    yield opened
                finally:
                    opened.close()  # lets go of the pixels, before others take the room
    except Unreadable:
        raise
    except Exception as error:  # decoders raise whatever they like on broken bytes
        raise Unreadable(_reason(data, error)) from error


def upright(opened: Image.Image, side: int) -> Image.Image:
    """RGB of an image, turned as its EXIF says.

    Args:
        opened: see :func:`open_picture`.
        side: where it has many more pixels on each side, a large image is made smaller at first.
    """
    ImageOps.exif_transpose(opened, in_place=True)
    factor = min(opened.size) // (2 * side)
    if opened.width * opened.height > LARGE and factor > 1:
        return to_rgb(_flat(opened).reduce(factor))
    return to_rgb(opened)


def check_picture(data: bytes) -> None:
    """Decode an image for nothing.

    Raises:
        Unreadable: it cannot be decoded whole.
    """
    with open_picture(data, 1) as opened:
        opened.load()


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height, from the head of a file; zeros where it cannot be read."""
    try:
        with _opened(data) as opened:
            return int(opened.width), int(opened.height)
    except Exception:  # decoders raise whatever they like on broken bytes
        return 0, 0


def viewable_copy(data: bytes) -> bytes:
    """A JPEG of an image that browsers cannot show, upright, of at most ``COPY_SIDE`` pixels.

    Raises:
        Unreadable: it cannot be decoded whole.
    """
    with open_picture(data) as opened:
        copy = upright(opened, COPY_SIDE)
        copy.thumbnail((COPY_SIDE, COPY_SIDE), reducing_gap=2)
        out = io.BytesIO()
        copy.save(out, "JPEG", quality=95, subsampling=0, comment=b"")  # no EXIF, no place
        return out.getvalue()


def to_rgb(image: Image.Image) -> Image.Image:
    """RGB of any mode: 16 bits are scaled to 8, and what is transparent becomes white."""
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.mode.startswith("I"):
        return image.point(lambda value: value / 257, "L").convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _flat(image: Image.Image) -> Image.Image:
    """The same in a mode whose pixels can be averaged."""
    if image.mode in ("L", "RGB", "RGBA"):
        return image
    return image.convert("L") if image.mode == "1" else to_rgb(image)


def _opened(data: bytes) -> ImageFile.ImageFile:
    return Image.open(io.BytesIO(data), formats=_formats())


@cache
def _formats() -> tuple[str, ...]:
    """What may be opened; never a format that starts another program, such as EPS."""
    _quiet_libtiff()
    try:
        import pi_heif
    except ImportError:
        return FORMATS
    pi_heif.register_heif_opener()
    return (*FORMATS, "HEIF")


def _quiet_libtiff() -> None:
    """Keep libtiff from writing to the terminal what it thinks of broken files."""
    for folder in (Path(PIL.__file__).parents[1] / "pillow.libs", Path(PIL.__path__[0], ".dylibs")):
        for library in folder.glob("libtiff*"):
            with suppress(OSError, AttributeError):
                ctypes.CDLL(str(library)).TIFFSetErrorHandler(None)


@cache
def _pixels_at_once() -> int:
    """Pixels of all images that are open at once."""
    return min(max(2**26, cores() * 2**24), free_memory() // 3 // BYTES_PER_PIXEL)


def _reason(data: bytes, error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError) or not data:
        return why_unread(data)
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels"
    return str(error) or type(error).__name__
