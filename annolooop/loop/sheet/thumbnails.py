"""Small pictures of a contact sheet: made once of each content, in the cache."""

from pathlib import Path

from annolooop.domain.tasks import Image
from annolooop.files.whole import make_folder, replacing
from annolooop.model.thumbnail import thumbnail
from annolooop.stack import Stack
from annolooop.storage.images import read_image

SIDE = 256  # pixels, the longer side


class Thumbnails:
    """WebP files by content hash.

    Args:
        stack: the annotation loop.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._folder = stack.cache / "thumbnails"

    def read(self, image: Image) -> bytes:
        """The small picture of an image.

        Raises:
            Lost: the image is not in the store any more.
            Unreadable: it cannot be decoded.
        """
        file = self._file(image.sha256)
        if not file.exists():
            small = thumbnail(read_image(self._stack.store, image), SIDE)
            make_folder(file.parent)
            with replacing(file) as part:
                part.write_bytes(small)
            return small
        return file.read_bytes()

    def _file(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / f"{sha256}.webp"
