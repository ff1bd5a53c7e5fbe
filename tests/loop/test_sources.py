"""Files of a folder of this machine as a batch."""

import os
import time
from pathlib import Path

import pytest

from annolooop.loop.batch import list_batch
from annolooop.records import Image
from annolooop.storage.file_hashes import FileHashes
from annolooop.storage.images import ImageCatalog
from annolooop.storage.store import ArtifactStore


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
    found = {source.key: source.found for source in sources if source.found}
    assert found == {"images/photos/b/x.jpg": store.info("images/photos/b/x.jpg")}
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
