"""Small pictures, for pages. Needs no torch."""

import io

from annolooop.model.picture import open_picture, upright

QUALITY = 60


def thumbnail(data: bytes, side: int, quality: int = QUALITY) -> bytes:
    """WebP of an image, upright, its longer side ``side`` pixels at most. Nothing else is in it.

    Raises:
        Unreadable: it cannot be decoded.
    """
    with open_picture(data, side) as opened:
        small = upright(opened, side)
        small.thumbnail((side, side), reducing_gap=2)
        out = io.BytesIO()
        small.save(out, "WEBP", quality=quality, method=2)  # neither EXIF nor a place is kept
        return out.getvalue()
