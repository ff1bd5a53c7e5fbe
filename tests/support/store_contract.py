"""What every artifact store must do; each provider's test subclasses this."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from annolooop.domain.tasks import Image
from annolooop.errors import DataError
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.embeddings.embeddings import Embeddings
from annolooop.storage.images import ImageCatalog
from annolooop.storage.series import Series

ODD_KEYS = [
    "images/a b.jpg",
    "images/c#1.jpg",
    "images/d?x=1.jpg",
    "images/e%41.jpg",
    "images/f+g.jpg",
    "images/h&i.jpg",
    "images/it's.jpg",
    'images/quo"te.jpg',
    "images/ünï-猫.jpg",
    "images/deep/er/N.JPG",
    "images/[1].jpg",
    "images/st*r.jpg",
]


class StoreContract:
    by_key = True  # whether the server lists as all are said to

    @pytest.fixture
    def store(self) -> ArtifactStore:
        raise NotImplementedError

    def test_gives_back_what_was_put(self, store: ArtifactStore) -> None:
        store.put("a/b", b"\x00\xff")
        assert store.get("a/b") == b"\x00\xff"
        assert store.exists("a/b")

    def test_missing_key_is_a_key_error(self, store: ArtifactStore) -> None:
        for read in (store.get, store.info):
            with pytest.raises(KeyError):
                read("a/none")
        assert not store.exists("a/none")
        assert list(store.walk("none")) == []
        store.delete("a/none")

    def test_put_replaces(self, store: ArtifactStore) -> None:
        store.put("a/b", b"one")
        before = store.info("a/b")
        store.put("a/b", b"three")
        assert store.get("a/b") == b"three"
        assert store.info("a/b").size == 5
        assert store.info("a/b").etag != before.etag

    def test_put_new_never_replaces(self, store: ArtifactStore) -> None:
        assert store.put_new("a/b", b"one")
        assert not store.put_new("a/b", b"two")
        assert store.get("a/b") == b"one"

    def test_of_many_writers_one_wins(self, store: ArtifactStore) -> None:
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda n: store.put_new("a/b", str(n).encode()), range(16)))
        assert sum(won) == 1
        assert store.get("a/b") == str(won.index(True)).encode()

    def test_series_gives_each_writer_a_number_of_its_own(self, store: ArtifactStore) -> None:
        series: Series[int] = Series(store, "s", int)
        with ThreadPoolExecutor(8) as pool:
            numbers = list(pool.map(series.append, range(12)))
        assert sorted(numbers) == list(range(1, 13))
        assert series.numbers() == list(range(1, 13))
        assert sorted(series.each()) == list(range(12))

    def test_odd_keys_are_kept_as_they_are(self, store: ArtifactStore) -> None:
        for key in ODD_KEYS:
            store.put(key, key.encode())
        assert sorted(found.key for found in store.walk("images")) == sorted(ODD_KEYS)
        assert all(store.get(key) == key.encode() for key in ODD_KEYS)

    def test_walk_tells_size_and_a_stable_etag(self, store: ArtifactStore) -> None:
        store.put("a/b", b"123")
        (first,), (second,) = store.walk("a"), store.walk("a")
        assert first == second == store.info("a/b")
        assert first.size == 3

    def test_walk_keeps_to_the_prefix(self, store: ArtifactStore) -> None:
        store.put("a/1", b"")
        store.put("ab/1", b"")
        assert [found.key for found in store.walk("a")] == ["a/1"]
        assert [found.key for found in store.walk("")] == ["a/1", "ab/1"]

    def test_walk_finds_the_object_at_a_prefix_that_nothing_is_below(
        self, store: ArtifactStore
    ) -> None:
        for key in ("a/b [1].jpg", "a/b [1].jpg.txt"):
            store.put(key, b"1")
        assert list(store.walk("a/b [1].jpg")) == [store.info("a/b [1].jpg")]

    def test_walk_is_in_the_order_of_keys_over_many_pages(
        self, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("annolooop.storage.artifacts.store.PAGE", 4)
        keys = ["a", "b-b", "b.b", "b/a/x", "b/a!/x", "b/a-", "b/b", "bb", "Z", "é", "猫"]
        for key in keys:
            store.put(f"d/{key}", key.encode())
        found = [(item.key, item.size) for item in store.walk("d")]
        whole = [(f"d/{key}", len(key.encode())) for key in sorted(keys)]
        assert (found if self.by_key else sorted(found)) == whole

    def test_delete_removes(self, store: ArtifactStore) -> None:
        store.put("a/b", b"1")
        store.delete("a/b")
        assert not store.exists("a/b")

    @pytest.mark.parametrize("key", ["", "/a", "a//b", "a/../b", "a/./b", "a/"])
    def test_keys_that_leave_the_root_are_refused(self, store: ArtifactStore, key: str) -> None:
        with pytest.raises(DataError):
            store.put(key, b"")

    def test_deletes_what_is_below_a_prefix_and_nothing_beside_it(
        self, store: ArtifactStore
    ) -> None:
        for key in ("d/a/1", "d/a/b/2", "d/ab/3"):
            store.put(key, b"x")
        store.delete_below("d/a")
        store.delete_below("d/a")
        assert [item.key for item in store.walk("d")] == ["d/ab/3"]

    def test_embeddings_are_copied_when_they_are_asked_for(
        self, store: ArtifactStore, tmp_path: Path
    ) -> None:
        first, second = ({letter * 64: np.ones(3, np.float32)} for letter in "ab")
        mine = Embeddings(store, "space", tmp_path / "mine")
        mine.add(first, "bf16")
        mine.add(second)
        yours = Embeddings(store, "space", tmp_path / "yours")
        yours.load()
        copies = tmp_path / "yours" / "space"
        assert not list(copies.glob("*.safetensors"))
        assert yours.matrix(["a" * 64]).tolist() == [[1, 1, 1]]
        if store.local_path:
            assert not copies.exists()
            return
        (copy,) = copies.glob("*.safetensors")
        whole = copy.read_bytes()
        copy.write_bytes(whole[:1024] + b"damaged")
        yours = Embeddings(store, "space", tmp_path / "yours")
        yours.load()
        assert not yours.missing(["a" * 64, "b" * 64])
        assert copy.read_bytes() == whole

    def test_catalogue_that_was_begun_again_is_not_taken_for_the_old_one(
        self, store: ArtifactStore, tmp_path: Path
    ) -> None:
        """Also if its last file is the same, byte by byte: a bucket's etag may be a digest."""
        copy, last = tmp_path / "copy.sqlite", Image("images/c.jpg", "c" * 64)
        for number, writer in enumerate((None, None, copy, copy)):
            store.delete_below("datasets/d")
            images = [Image("images/b.jpg", f"{number:064}"), last]
            for image in images:
                ImageCatalog(store, "d", writer).add([image], {image.key: "e"})
            assert list(ImageCatalog(store, "d", copy).images()) == images
