"""The opener of images takes named formats only, within bounds, and says what else a file is."""

import io
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable
from threading import Thread
from time import sleep

import numpy as np
import pytest
from PIL import Image

from annolooop.domain import picture_kinds
from annolooop.model import picture
from annolooop.model.picture import (
    Unreadable,
    check_picture,
    open_picture,
    picture_size,
    upright,
    viewable_copy,
)

HEIC = (  # 40 by 30 red pixels, as a phone would write them
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAXxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAA"
    "AAAAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABoAABAAAAAAAAACsAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAAB"
    "AABodmMxAAAAAA5waXRtAAAAAAABAAAA/GlwcnAAAADcaXBjbwAAAHVodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADw"
    "NgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQApQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqrprm4CGgwIAA"
    "AAyAAAADAIRiAAEABkQBwXPBiQAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAAChjbGFwAA"
    "AAKAAAAAEAAAAeAAAAAf///+gAAAAC////3gAAAAIAAAAQcGl4aQAAAAADCAgIAAAAGGlwbWEAAAAAAAAAAQABBYEC"
    "AwWEAAAAM21kYXQAAAAnKAGvUhYFJOb86r//Tef/wpJDu1tMiVHopEpbLaqAllpuq1CLS2yz"
)


def encode(kind: str, image: Image.Image | None = None, **how: object) -> bytes:
    out = io.BytesIO()
    (image or Image.new("RGB", (40, 30), "red")).save(out, kind, **how)  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "AVIF", "TIFF", "MPO"])
def test_named_formats_are_read(kind: str) -> None:
    check_picture(encode(kind))


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("TGA", "not an image"),
        ("PPM", "a netpbm image"),
        ("DDS", "a DDS texture"),
        ("EPS", "PostScript"),
        ("JPEG2000", "JPEG 2000"),
        ("PDF", "a PDF"),
        ("ICO", "not an image"),
        ("PCX", "not an image"),
        ("SGI", "not an image"),
    ],
)
def test_other_formats_are_refused_and_named(kind: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        check_picture(encode(kind))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "the file is empty"),
        (b"text", "not an image"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n", "git lfs pull"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "compressed by gzip"),
        (b"\n<!doctype html><html>", "text"),
        (b"8BPS\0\1", "Photoshop"),
        (encode("PNG")[:60], "image file is truncated"),
    ],
)
def test_what_is_no_image_is_said_by_its_content(data: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        check_picture(data)


def test_no_program_is_started_for_postscript(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*args: object, **how: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(subprocess, "check_call", start)
    with pytest.raises(Unreadable, match="PostScript"):
        check_picture(encode("EPS"))


def test_file_of_too_many_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_kinds, "MOST_BYTES", 100)
    with pytest.raises(Unreadable, match="too large"):
        check_picture(encode("BMP"))


def test_images_that_are_open_at_once_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "_pixels_at_once", lambda: 3000)
    data, now, most = encode("PNG"), [], []

    def work() -> None:
        with open_picture(data):
            now.append(1)
            most.append(len(now))
            sleep(0.02)
            now.pop()

    threads = [Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 2  # of 1,200 pixels each


def test_image_that_is_larger_than_the_bound_is_read_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(picture, "_pixels_at_once", lambda: 10)
    check_picture(encode("PNG"))


MEASURE = """
import io, resource, sys
from threading import Thread
from PIL import Image
from annolooop.model.backbones.pixels import read_pixels
out = io.BytesIO()
Image.new("1", (13_000, 13_000)).save(out, "PNG")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
threads = [Thread(target=read_pixels, args=(out.getvalue(), 256)) for _ in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(out.getvalue()), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measures in KiB")
def test_small_files_of_many_pixels_do_not_fill_the_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True
    )
    size, megabytes = map(float, done.stdout.split())
    assert size < 30_000
    assert megabytes < 600  # one of six at a time; all at once, 10 GB


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_large_image_is_made_smaller_in_any_mode(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "LARGE", 1000)
    kind = "TIFF" if mode in ("CMYK", "I;16") else "PNG"
    with open_picture(encode(kind, Image.new(mode, (640, 480)))) as opened:
        small = upright(opened, 20)
    assert small.mode == "RGB"
    assert small.size == (54, 40)


def test_large_image_is_made_smaller_as_resizing_does(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    data = encode("PNG", Image.fromarray(noise).resize((800, 600), Image.Resampling.BICUBIC))
    whole = _small(data)
    monkeypatch.setattr(picture, "LARGE", 1000)
    assert abs(_small(data) - whole).mean() < 2


def _small(data: bytes) -> np.ndarray:  # type: ignore[type-arg]
    with open_picture(data) as opened:
        return np.asarray(upright(opened, 30).resize((40, 30)), float)


def turned(kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # by a quarter
    image = Image.new("RGB", (60, 30), "red")
    image.paste("blue", (30, 0, 60, 30))
    return encode(kind, image, exif=exif)


@pytest.mark.parametrize("make", [turned, lambda kind: encode(kind)])
def test_copy_that_browsers_show_is_a_jpeg_turned_upright(make: Callable[[str], bytes]) -> None:
    copy = Image.open(io.BytesIO(viewable_copy(make("TIFF"))))
    assert copy.format == "JPEG"
    assert copy.size == ((30, 60) if make is turned else (40, 30))
    assert not copy.getexif()


def test_copy_of_a_large_image_is_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "COPY_SIDE", 20)
    assert Image.open(io.BytesIO(viewable_copy(encode("TIFF")))).size == (20, 15)


def test_size_comes_from_the_head_of_a_file() -> None:
    assert picture_size(encode("PNG")) == (40, 30)
    assert picture_size(b"no") == (0, 0)


def test_heic_without_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "_formats", lambda: picture.FORMATS)
    with pytest.raises(Unreadable, match=r"HEIC.*pip install 'annolooop\[heic\]'"):
        check_picture(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))


def test_heic_is_read_where_its_package_is_installed() -> None:
    pytest.importorskip("pi_heif")
    copy = Image.open(io.BytesIO(viewable_copy(b64decode(HEIC))))
    assert copy.size == (40, 30)
    assert copy.getpixel((20, 15))[0] > 150  # type: ignore[index]
