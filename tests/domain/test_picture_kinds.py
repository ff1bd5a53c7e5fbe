"""Kinds of images are told by content, and those that no browser shows are known."""

import pytest

from annolooop.domain.picture_kinds import kind_of, needs_copy, why_unread


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WebP"),
        (b"RIFF\x10\0\0\0AVI ", None),
        (b"MM\0*\0\0\0\x08", "TIFF"),
        (b"II+\0\x08\0\0\0", "TIFF"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "AVIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", None),
        (b"", None),
    ],
)
def test_kind_is_told_by_the_first_bytes(head: bytes, kind: str | None) -> None:
    assert kind_of(head) == kind


def test_only_tiff_and_heic_need_a_copy() -> None:
    assert needs_copy(b"II*\0")
    assert needs_copy(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    assert not needs_copy(b"\x89PNG\r\n\x1a\n")


def test_unknown_content_is_no_image() -> None:
    assert why_unread(b"P") == "not an image"
    assert why_unread(b"hello") == "not an image"
