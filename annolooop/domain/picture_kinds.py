"""What a file is, by its first bytes: whatever its name says."""

from collections.abc import Callable

from annolooop.errors import install_extra

HEAD = 64  # bytes of a file that tell its kind
MOST_BYTES = 512 * 2**20  # of a file

HEIC_HINT = install_extra("heic")
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_NEEDS_COPY = frozenset({"TIFF", "HEIC"})  # no browser shows them


def _begins(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(starts)


_KINDS: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("JPEG", _begins(b"\xff\xd8\xff")),
    ("PNG", _begins(b"\x89PNG\r\n\x1a\n")),
    ("WebP", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP"),
    ("GIF", _begins(b"GIF87a", b"GIF89a")),
    ("BMP", _begins(b"BM")),
    ("AVIF", lambda head: head[4:8] == b"ftyp" and _brands(head) & {b"avif", b"avis"} != set()),
    ("TIFF", _begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    ("HEIC", lambda head: head[4:8] == b"ftyp" and bool(_brands(head) & set(_HEIC_BRANDS))),
)

_OTHERS: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    (
        "a pointer of Git LFS in the place of the picture: git lfs pull",
        _begins(b"version https://git-lfs"),
    ),
    (
        "compressed by gzip (such as an object with Content-Encoding: gzip); store it as it is",
        _begins(b"\x1f\x8b"),
    ),
    ("PostScript, which is not read", _begins(b"%!PS", b"\xc5\xd0\xd3\xc6")),
    ("a PDF, and not an image", _begins(b"%PDF")),
    ("a Photoshop file, which is not read", _begins(b"8BPS")),
    ("JPEG 2000, which is not read", _begins(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")),
    ("JPEG XL, which is not read", _begins(b"\0\0\0\x0cJXL ", b"\xff\x0a")),
    ("a DDS texture, which is not read", _begins(b"DDS ")),
    ("a netpbm image, which is not read", _begins(b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")),
    ("text (such as HTML or SVG), and not an image", lambda head: head.lstrip()[:1] == b"<"),
)


def kind_of(head: bytes) -> str | None:
    """The kind of an image that annoloop reads; ``None`` for anything else.

    Args:
        head: the first :data:`HEAD` bytes of the file, or more.
    """
    return next((kind for kind, fits in _KINDS if fits(head)), None)


def needs_copy(head: bytes) -> bool:
    """Whether browsers cannot show such an image, so that people need a copy of another kind."""
    return kind_of(head) in _NEEDS_COPY


def too_large(size: int) -> str | None:
    """Why a file of so many bytes is not read, if it is not."""
    if size <= MOST_BYTES:
        return None
    return f"too large: {size / 1e9:.1f} GB; files up to {MOST_BYTES / 1e9:.1f} GB are read"


def why_unread(data: bytes) -> str:
    """Why a file that is no readable image is none."""
    if not data:
        return "the file is empty"
    if kind_of(data) == "HEIC":
        return f"HEIC, which needs another package: {HEIC_HINT}"
    return next((what for what, fits in _OTHERS if fits(data[:HEAD])), "not an image")


def _brands(head: bytes) -> set[bytes]:
    """The brands of an ISO media file: what readers may take it for."""
    end = min(int.from_bytes(head[:4], "big"), len(head), HEAD)
    return {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}
