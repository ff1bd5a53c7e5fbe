"""Text of the user's files, as editors and shells save it."""

import codecs
from pathlib import Path

LARGEST = 1_000_000  # bytes of a file that people write by hand
# Marks at the beginning of a file; that of UTF-32 begins with that of UTF-16.
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class NotText(ValueError):
    """A file is not text.

    Attributes:
        line: where it is not, from 1.
        problem: what it is.
    """

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


def read_text(file: Path) -> str:
    """The text of a file: UTF-8, or what a mark at its beginning says.

    Raises:
        NotText: it is something else, or holds a zero byte, or is too large.
        OSError: it cannot be read.
    """
    with file.open("rb") as opened:
        data = opened.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise NotText(1, "it has more than 1 MB")
    encoding = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        lines = data[: error.start].decode(encoding, "replace").count("\n")
        raise NotText(lines + 1, "it is not UTF-8 text") from None
    if "\0" in text:
        raise NotText(text[: text.index("\0")].count("\n") + 1, "it holds a zero byte")
    return text
