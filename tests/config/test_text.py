"""Text is text, whatever editor saved it."""

from pathlib import Path

import pytest

from annolooop.config.text import LARGEST, NotText, read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_comes_back(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "file"
    file.write_bytes("größe: 中\r\n".encode(encoding))
    assert read_text(file) == "größe: 中\r\n"


def test_line_that_is_no_text_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one\ntwo\nthr\xe9e\n")
    with pytest.raises(NotText) as caught:
        read_text(file)
    assert (caught.value.line, caught.value.problem) == (3, "it is not UTF-8 text")


def test_large_file_is_not_read_as_text(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * LARGEST)
    assert len(read_text(file)) == LARGEST
    file.write_bytes(b"x" * (LARGEST + 1))
    with pytest.raises(NotText, match="more than 1 MB"):
        read_text(file)
