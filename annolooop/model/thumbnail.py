"""Small pictures, for pages. Needs no torch."""

import io

from PIL import Image, ImageOps

QUALITY = 60


class NoPicture(Exception):
    """These bytes are not an image that can be decoded."""


def thumbnail(data: bytes, side: int, quality: int = QUALITY) -> bytes:
    """WebP of an image, upright, its longer side ``side`` pixels at most. Nothing else is in it.

    Raises:
        NoPicture: it cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(data)) as opened:
            opened.draft("RGB", (side, side))  # a JPEG decoder skips detail that would be lost
            small = to_rgb(ImageOps.exif_transpose(opened))
        small.thumbnail((side, side), reducing_gap=2)
        out = io.BytesIO()
        small.save(out, "WEBP", quality=quality, method=2)  # neither EXIF nor a place is kept
        return out.getvalue()
    except Exception as error:  # decoders raise whatever they like on broken bytes
        raise NoPicture(str(error)) from error


def to_rgb(image: Image.Image) -> Image.Image:
    """RGB of any mode: 16 bits are scaled to 8, and what is transparent becomes white."""
    if image.mode.startswith("I"):
        return image.point(lambda value: value / 257, "L").convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
