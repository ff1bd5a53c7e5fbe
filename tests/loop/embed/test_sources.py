"""Files of a folder of this machine as a batch."""

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annolooop.domain.tasks import Image
from annolooop.errors import DataError, UnreachableError, UsageError
from annolooop.loop.embed.batch import list_batch
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.file_hashes import FileHashes
from annolooop.storage.images import ImageCatalog


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "photos" / "store"), unshown={"#": "it ends an address"})


def test_files_are_listed_with_what_is_known_of_them(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "photos"
    store.put("images/photos/b/x.jpg", b"x")
    names = ["b-b.jpg", "b/x.jpg", "b.jpg", "#1.jpg", ".hidden/x.jpg", "b/.x.jpg", "notes.txt"]
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    (folder / "link.jpg").symlink_to(folder / "b.jpg")
    (folder / "stored.jpg").symlink_to(folder / "store" / "images" / "photos" / "b" / "x.jpg")
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10_000_000_000)
    hashes = FileHashes()
    sources = list_batch(str(folder), store, ImageCatalog(store, "d"), hashes).sources
    keys = [f"images/photos/{name}" for name in ("＃1.jpg", *sorted(names[:3]), "link.jpg")]
    assert [source.key for source in sources] == keys
    assert len(sources) == 5
    stored = {source.key: source.stored for source in sources if source.stored}
    assert stored == {"images/photos/b/x.jpg": store.info("images/photos/b/x.jpg")}
    assert [source.sha256 for source in sources] == [None] * 5
    hashes.note([(source.state, "ab" * 32) for source in sources][:2])
    assert [source.sha256 for source in sources] == ["ab" * 32] * 2 + [None] * 3
    monkeypatch.setattr(time, "time_ns", now)
    again = list_batch(str(folder), store, ImageCatalog(store, "d"), hashes).sources
    assert [source.state for source in again] == [None] * 5  # they were made just now


def test_stored_files_come_with_the_hash_that_is_known(store: ArtifactStore) -> None:
    for name in ("a", "b"):
        store.put(f"images/d/{name}.jpg", b"x")
    catalog = ImageCatalog(store, "d")
    known = store.info("images/d/a.jpg")
    catalog.add([Image(known.key, "ab" * 32)], {known.key: known.etag})
    assert [s.sha256 for s in list_batch("d", store, catalog).sources] == ["ab" * 32, None]
    path = store.local_path
    assert path
    os.utime(path / known.key, (0, 0))
    assert [s.sha256 for s in list_batch(None, store, catalog).sources] == [None]


@pytest.fixture
def deny(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes folders that cannot be listed; who runs tests may be allowed everything."""
    scandir = os.scandir
    denied: list[str] = []

    def refuse(folder: str) -> Any:
        if folder.rstrip("/") in denied:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    return lambda folder: denied.append(str(folder))


def test_what_cannot_be_read_is_told_and_nothing_waits_for_a_pipe(
    store: ArtifactStore, tmp_path: Path, deny: Callable[[Path], None]
) -> None:
    folder = tmp_path / "b"
    for name in ("a.jpg", "closed/x.jpg", "notes/readme.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    deny(folder / "closed")
    os.mkfifo(folder / "pipe.jpg")
    os.mkfifo(folder / "pipe")
    for name, target in (("piped", "pipe.jpg"), ("gone", "nowhere"), ("loop", "loop.jpg")):
        (folder / f"{name}.jpg").symlink_to(folder / target)
    (folder / "gone.txt").symlink_to(folder / "nowhere")
    (folder / "notes.jpg").symlink_to(folder / "notes")
    listing = list_batch(str(folder), store, ImageCatalog(store, "d"))
    assert [source.key for source in listing.sources] == ["images/b/a.jpg"]
    assert {Path(n).name: why for n, why in listing.unreadable.items()} == {
        "closed": "Permission denied",
        "gone.jpg": "the link leads nowhere",
        "loop.jpg": os.strerror(errno.ELOOP),
        "pipe.jpg": "it is not a plain file",
        "piped.jpg": "it is not a plain file",
    }
    (folder / "a.jpg").unlink()
    with pytest.raises(DataError, match=r"b/closed/?: Permission denied"):
        list_batch(str(folder), store, ImageCatalog(store, "d"))
    for special in (str(folder / "pipe.jpg"), str(folder / "piped.jpg"), os.devnull):
        with pytest.raises(UsageError, match="is a pipe, a device or the like"):
            list_batch(special, store, ImageCatalog(store, "d"))


def test_folder_above_a_batch_that_may_not_be_entered_is_told(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **given: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    catalog = ImageCatalog(store, "d")
    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(DataError, match=r"--batch .*/b cannot be read: Permission denied"):
        list_batch(str(tmp_path / "closed" / "b"), store, catalog)


def test_folder_of_the_store_that_cannot_be_listed_is_named(
    store: ArtifactStore, deny: Callable[[Path], None]
) -> None:
    store.put("images/d/a/x.jpg", b"x")
    assert store.local_path
    deny(closed := store.local_path / "images" / "d" / "a")
    with pytest.raises(UnreachableError, match=f"cannot list {closed}: Permission denied"):
        list_batch("d", store, ImageCatalog(store, "d"))
