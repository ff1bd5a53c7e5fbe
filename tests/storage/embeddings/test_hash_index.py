"""Rows are found by their hash, whatever the order in which they were added."""

import hashlib

import numpy as np

from annolooop.storage.embeddings.hash_index import HashIndex, digests_of


def hashes(count: int) -> list[str]:
    return [hashlib.sha256(str(n).encode()).hexdigest() for n in range(count)]


def add(index: HashIndex, some: list[str], shard: int, rank: int = 0) -> None:
    """Add hashes as rows 0, 1, ... of a shard."""
    count = len(some)
    index.add(digests_of(some), np.full(count, shard), np.arange(count), np.full(count, rank))


def places(index: HashIndex, some: list[str]) -> list[tuple[int, int]]:
    shards, rows = index.find(digests_of(some))
    return list(zip(shards.tolist(), rows.tolist(), strict=True))


def test_rows_of_many_shards_are_found() -> None:
    index, known = HashIndex(), hashes(1000)
    for shard, start in enumerate(range(0, 1000, 37)):
        add(index, known[start : start + 37], shard)
    order = np.random.default_rng(0).permutation(1000).tolist()
    assert places(index, [known[n] for n in order]) == [(n // 37, n % 37) for n in order]


def test_unknown_hash_is_nowhere() -> None:
    index, known = HashIndex(), hashes(3)
    assert places(index, known) == [(-1, -1)] * 3
    add(index, known[:2], 0)
    assert places(index, known) == [(0, 0), (0, 1), (-1, -1)]


def test_of_rows_with_the_same_hash_the_lowest_rank_is_found() -> None:
    for ranks in ((1, 0), (0, 1)):
        index, known = HashIndex(), hashes(1)
        for shard, rank in enumerate(ranks):
            add(index, known, shard, rank)
        assert places(index, known) == [(ranks.index(0), 0)]


def test_rows_of_a_dropped_shard_are_found_no_more() -> None:
    index, known = HashIndex(), hashes(4)
    add(index, known[:2], 0)
    add(index, known[2:], 1)
    index.drop([0])
    assert places(index, known) == [(-1, -1), (-1, -1), (1, 0), (1, 1)]


def test_hashes_that_begin_alike_are_told_apart() -> None:
    alike = [f"{'ab' * 8}{n:048x}" for n in range(5)]
    index = HashIndex()
    for n in (3, 0, 4):  # one after the other, so that they are merged
        add(index, [alike[n]], n)
    assert places(index, alike) == [(0, 0), (-1, -1), (-1, -1), (3, 0), (4, 0)]
    index.drop([3])
    assert places(index, alike)[3] == (-1, -1)


def test_adding_nothing_changes_nothing() -> None:
    index, known = HashIndex(), hashes(1)
    none = np.zeros(0, np.int64)
    index.add(digests_of([]), none, none, none)
    add(index, known, 0)
    assert places(index, known) == [(0, 0)]
