"""Embeddings in the store: never twice, in whatever order, and what is damaged is missing."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load
from support.project import ROOT

from annolooop.errors import DataError
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.embeddings.embeddings import Embeddings
from annolooop.storage.embeddings.sets import find_embedding_sets, superseded

DOCS = ROOT / "docs"


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "store"))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def hashes(*numbers: int) -> list[str]:
    return [hashlib.sha256(str(n).encode()).hexdigest() for n in numbers]


def vectors(*numbers: int, value: float = 0) -> dict[str, np.ndarray]:
    return {
        h: np.full(4, n + value, np.float32) for n, h in zip(numbers, hashes(*numbers), strict=True)
    }


def opened(store: ArtifactStore, cache: Path, exact: bool = False) -> Embeddings:
    made = Embeddings(store, "space", cache, exact)
    made.load()
    return made


def test_rows_come_in_the_order_asked_from_any_number_of_shards(
    store: ArtifactStore, cache: Path
) -> None:
    mine = Embeddings(store, "space", cache)
    for first in range(0, 60, 7):
        mine.add(vectors(*range(first, min(60, first + 7))))
    order = np.random.default_rng(0).permutation(60).tolist()
    for embeddings in (mine, opened(store, cache)):
        assert embeddings.missing(hashes(*order, 99)) == set(hashes(99))
        rows = embeddings.matrix(hashes(*order, order[0]))
        assert rows[:, 3].tolist() == [*order, order[0]]
    with pytest.raises(DataError, match="1 embeddings"):
        mine.matrix(hashes(1, 99))


def test_two_writers_see_each_other_and_overwrite_nothing(
    store: ArtifactStore, cache: Path
) -> None:
    mine, yours = opened(store, cache), opened(store, cache)
    mine.add(vectors(1, 2))
    yours.add(vectors(2, 3))
    for embeddings in (mine, yours):
        embeddings.load()
        assert embeddings.matrix(hashes(3, 2, 1))[:, 0].tolist() == [3, 2, 1]


def test_exact_embedding_wins_and_may_be_asked_for(store: ArtifactStore, cache: Path) -> None:
    mine = opened(store, cache)
    mine.add(vectors(1, 2), "fp32")
    mine.add(vectors(2, 3, value=0.5), "bf16")
    for embeddings in (mine, opened(store, cache)):
        assert embeddings.matrix(hashes(1, 2, 3))[:, 0].tolist() == [1, 2, 3.5]
    exact = opened(store, cache, exact=True)
    assert exact.missing(hashes(1, 2, 3)) == set(hashes(3))
    exact.add(vectors(3))
    assert exact.matrix(hashes(3))[0, 0] == 3
    (space,) = find_embedding_sets(store)
    (spare,) = superseded(space, exact)
    assert (spare.precision, space.images()) == ("bf16", {"bf16": 2, "fp32": 3})


@pytest.mark.parametrize("ending", ["index", "safetensors"])
def test_damaged_or_truncated_shard_counts_as_missing(
    store: ArtifactStore, cache: Path, ending: str
) -> None:
    opened(store, cache).add(vectors(1, 2))
    (key,) = (f.key for f in store.walk("embeddings") if f.key.endswith(ending))
    whole = store.get(key)
    for damaged in (b"", whole[:32], whole[:-8], b"?" + whole[1:], None):
        if damaged is None:
            store.delete(key)
        else:
            store.put(key, damaged)
        embeddings = opened(store, cache)
        assert embeddings.missing(hashes(1, 2)) == set(hashes(1, 2))
        embeddings.add(vectors(1, 2))  # it takes the place of what was damaged
        assert store.get(key) == whole
        assert not embeddings.missing(hashes(1, 2))


def test_shard_that_goes_while_it_is_used_is_told(store: ArtifactStore, cache: Path) -> None:
    embeddings = opened(store, cache)
    embeddings.add(vectors(1))
    store.delete_below("embeddings")
    with pytest.raises(DataError) as caught:
        embeddings.matrix(hashes(1))
    assert "same command again" in caught.value.hint
    assert embeddings.missing(hashes(1)) == set(hashes(1))


def test_the_page_for_other_programs_says_how_to_read_them(
    store: ArtifactStore, cache: Path
) -> None:
    opened(store, cache).add(vectors(1, 2, 3), "bf16")
    page = (DOCS / "embeddings.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    read: dict[str, dict[str, list[float]]] = {}
    exec(example.replace("FOLDER", repr(str(store.local_path / "embeddings" / "space"))), read)  # type: ignore[operator]
    assert read["embeddings"] == {
        h: [n] * 4 for n, h in zip((1, 2, 3), hashes(1, 2, 3), strict=True)
    }
    (key,) = (f.key for f in store.walk("embeddings") if f.key.endswith(".safetensors"))
    assert load(store.get(key))["embedding"].shape == (3, 4)


def test_embeddings_are_shared_through_the_store(store: ArtifactStore, tmp_path: Path) -> None:
    mine = Embeddings(store, "space", tmp_path)
    mine.add({"b" * 64: np.ones(3, np.float32), "a" * 64: np.zeros(3, np.float32)})
    yours = Embeddings(store, "space", tmp_path)
    yours.load()
    assert "a" * 64 in yours
    assert yours.matrix(["b" * 64, "a" * 64]).tolist() == [[1, 1, 1], [0, 0, 0]]
    other = Embeddings(store, "another space", tmp_path)
    other.load()
    assert "a" * 64 not in other


def test_damaged_embeddings_count_as_missing(store: ArtifactStore, tmp_path: Path) -> None:
    vectors = {letter * 64: np.ones(3, np.float32) for letter in "ab"}
    Embeddings(store, "space", tmp_path / "cache").add(vectors)
    found = next(iter(store.walk("embeddings")))
    whole = store.get(found.key)
    for damaged in (b"", whole[:40], whole[: len(whole) // 2], whole[:90] + b"?" + whole[91:]):
        store.put(found.key, damaged)
        opened = Embeddings(store, "space", tmp_path / "cache")
        opened.load()
        assert "a" * 64 not in opened
    opened.add(vectors)  # what was embedded again takes the place of the damaged file
    assert store.get(found.key) == whole
