"""Images that people uploaded in Label Studio become part of the dataset, or it is said why not."""

import io
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image as Picture
from support.fake_studio import FakeStudio, fake_stack

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.progress import untracked
from annolooop.domain.tasks import Image
from annolooop.errors import UnreachableError
from annolooop.labelstudio.api.connection import NotFound
from annolooop.loop.labels import uploads
from annolooop.loop.labels.uploads import FAILURES_PER_HOST, Uploads, collect_uploads
from annolooop.stack import Stack
from annolooop.storage.images import content_hash, copy_key


def encode(kind: str) -> bytes:
    out = io.BytesIO()
    Picture.new("RGB", (20, 10), "red").save(out, kind)
    return out.getvalue()


JPEG = ("image/jpeg", encode("JPEG"))


@pytest.fixture
def studio() -> FakeStudio:
    return FakeStudio()


@pytest.fixture
def project(studio: FakeStudio) -> ProjectCounts:
    return studio.add_project("cats")


@pytest.fixture
def stack(tmp_path: Path, studio: FakeStudio) -> Stack:
    return fake_stack(tmp_path, studio)


def collect(stack: Stack, project: ProjectCounts) -> Uploads:
    return collect_uploads(stack, project, untracked)


def offer(studio: FakeStudio, *files: tuple[str, tuple[str, bytes] | Exception]) -> None:
    """Tasks 1, 2, ... show images at these addresses."""
    studio.uploads = [(number, address) for number, (address, _) in enumerate(files, start=1)]
    studio.files = dict(files)


def test_image_is_stored_then_catalogued_then_named_in_its_task(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    offer(studio, ("/data/upload/1/my%20cat.jpg", JPEG))
    assert collect(stack, project) == Uploads(1)
    (image,) = stack.catalog.images()
    assert image == Image("images/cats-uploads/1-my cat.jpg", content_hash(JPEG[1]))
    assert stack.store.get(image.key) == JPEG[1]
    assert ("data", 1, {"key": image.key, "sha256": image.sha256}) in studio.wrote
    assert [task.id for task in stack.task_index.tasks([image.key])] == [1]


def test_nothing_is_noted_where_nothing_was_uploaded(stack: Stack, project: ProjectCounts) -> None:
    assert collect(stack, project) == Uploads()
    assert stack.task_index.project == ""


@pytest.mark.parametrize(
    ("address", "answer", "why"),
    [
        ("https://x.example/page.jpg", ("text/html", b"<html>"), "it is text/html, not an image"),
        ("https://x.example/a", ("application/pdf", b"%PDF"), "it is application/pdf"),
        ("no address", JPEG, "its data names no image"),
        ("http://[x/a.jpg", JPEG, "its address cannot be read"),
        ("/gone.jpg", NotFound("it is gone", ""), "it is gone"),
        ("/a.jpg", ("image/jpeg", b"no picture"), "not an image"),
        ("/a.jpg", ("image/jpeg", b"version https://git-lfs"), "a pointer of Git LFS"),
        ("/a.svg", ("image/svg+xml", b"<svg/>"), "text"),
        ("/half.png", ("image/png", encode("BMP")[:99]), "image file is truncated"),
    ],
)
def test_what_is_no_image_is_named_with_the_reason(
    stack: Stack,
    studio: FakeStudio,
    project: ProjectCounts,
    address: str,
    answer: tuple[str, bytes] | Exception,
    why: str,
) -> None:
    offer(studio, (address, answer))
    done = collect(stack, project)
    assert done.tasks == 0
    assert done.failed[f"task 1: {address}"].startswith(why)


def test_file_of_unknown_kind_with_the_name_of_an_image_is_taken(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    offer(studio, ("https://x.example/a.PNG", ("application/octet-stream", JPEG[1])))
    assert collect(stack, project).tasks == 1


def test_image_without_a_suffix_gets_that_of_its_kind(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    offer(studio, ("https://x.example/photo", ("image/png; x=1", encode("PNG"))))
    collect(stack, project)
    assert [image.key for image in stack.catalog.images()] == ["images/cats-uploads/1-photo.png"]


def test_image_in_a_bucket_of_the_server_is_asked_of_the_server(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    address = "s3://theirs/a.jpg"
    studio.uploads = [(1, address)]
    studio.files = {"/tasks/1/resolve/?fileuri=czM6Ly90aGVpcnMvYS5qcGc=": JPEG}
    assert collect(stack, project).tasks == 1


def test_host_that_does_not_answer_is_left_alone_after_some_failures(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    down = UnreachableError("it does not answer", "")
    names = [f"https://down.example/{n}.jpg" for n in range(40)]
    offer(studio, *((name, down) for name in names), ("https://up.example/a.jpg", JPEG))
    done = collect(stack, project)
    asked = [address for verb, address, *_ in studio.wrote if verb == "fetch"]
    assert FAILURES_PER_HOST <= len(asked) - 1 < 10  # some were under way already
    assert list(done.failed.values()).count("its host did not answer for others") > 30
    assert done.tasks == 1


def test_host_that_refuses_one_image_is_asked_for_others(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    gone = NotFound("it is gone", "")
    offer(studio, *((f"https://x.example/{n}.jpg", gone) for n in range(10)))
    done = collect(stack, project)
    assert set(done.failed.values()) == {"it is gone"}


def test_key_that_holds_another_image_is_not_overwritten(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    stack.store.put("images/cats-uploads/1-a.jpg", b"of a project that is gone")
    offer(studio, ("/upload/a.jpg", JPEG))
    collect(stack, project)
    (image,) = stack.catalog.images()
    assert image.key == f"images/cats-uploads/1-{content_hash(JPEG[1])[:8]}-a.jpg"
    assert stack.store.get("images/cats-uploads/1-a.jpg") == b"of a project that is gone"


def test_uploaded_tiff_is_shown_as_a_copy_from_then_on(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    tiff = encode("TIFF")
    offer(studio, ("/data/upload/1/scan.tif", ("image/tiff", tiff)))
    collect(stack, project)
    copy = copy_key(content_hash(tiff))
    assert Picture.open(io.BytesIO(stack.store.get(copy))).format == "JPEG"
    ((_, task, values),) = (w for w in studio.wrote if w[0] == "data")
    assert (task, values["image"]) == (1, stack.image_source.url(copy))
    assert values["key"] == "images/cats-uploads/1-scan.tif"


def test_many_bytes_are_put_into_the_store_before_more_are_fetched(
    stack: Stack, studio: FakeStudio, project: ProjectCounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "BYTES_IN_MEMORY", 1)
    monkeypatch.setattr(uploads, "FETCHES_AT_ONCE", 1)
    offer(studio, *((f"/{n}.jpg", JPEG) for n in range(3)))
    assert collect(stack, project).tasks == 3
    assert [verb for verb, *_ in studio.wrote if verb in ("fetch", "data")] == ["fetch", "data"] * 3


@pytest.mark.parametrize(
    "address",
    [
        f"data:image/png;base64,{b64encode(encode('PNG')).decode()}",
        f"data:image/png;charset=x;BASE64,{quote(b64encode(encode('PNG')))}",
        f"data:image/png,{quote(encode('PNG'))}",
    ],
)
def test_image_inside_of_the_address_is_decoded(
    stack: Stack, studio: FakeStudio, project: ProjectCounts, address: str
) -> None:
    studio.uploads = [(1, address)]
    assert collect(stack, project).tasks == 1
    (image,) = stack.catalog.images()
    assert image.key == "images/cats-uploads/1-image.png"
    assert stack.store.get(image.key) == encode("PNG")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("data:text/html,<html>", "it is text/html, not an image"),
        ("data:,hello", "it is text, not an image"),
        ("data:image/png;base64,###", "its data cannot be decoded"),
        (f"data:image/png;base64,#{'A' * 5000}", "its data cannot be decoded"),
    ],
)
def test_address_that_holds_no_image_is_named_in_short(
    stack: Stack, studio: FakeStudio, project: ProjectCounts, address: str, why: str
) -> None:
    studio.uploads = [(1, address)]
    ((where, reason),) = collect(stack, project).failed.items()
    assert reason == why
    assert len(where) < 350
