"""Which row of which shard belongs to a content hash: sorted arrays, 41 bytes a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HASH_BYTES = 32  # of a SHA-256

Digests = NDArray[np.uint64]  # (n, 4)
Numbers = NDArray[np.int64]


def digests_of(hashes: Sequence[str]) -> Digests:
    """(n, 4) of n hashes of 64 hex digits each."""
    return digests_from(bytes.fromhex("".join(hashes)))


def digests_from(data: bytes) -> Digests:
    """(n, 4) of n times 32 bytes."""
    return np.frombuffer(data, ">u8").astype(np.uint64).reshape(-1, 4)


@dataclass(frozen=True)
class _Run:
    """Rows sorted by the first 64 bits of their hash, and then by rank.

    The first 64 bits are nearly always enough to tell two hashes apart; the others are the check.
    """

    first: NDArray[np.uint64]  # (n,)
    rest: NDArray[np.uint64]  # (n, 3)
    shard: NDArray[np.int32]
    row: NDArray[np.int32]
    rank: NDArray[np.uint8]

    def find(self, requested: Digests) -> Numbers:
        """(m,) place of the best row of each hash, -1 where there is none."""
        places = np.searchsorted(self.first, requested[:, 0])
        matches = np.full(len(requested), -1)
        open_ = np.arange(len(requested))
        while open_.size:
            open_ = open_[places[open_] < len(self.first)]
            open_ = open_[self.first[places[open_]] == requested[open_, 0]]
            same = (self.rest[places[open_]] == requested[open_, 1:]).all(axis=1)
            matches[open_[same]] = places[open_[same]]
            open_ = open_[~same]
            places[open_] += 1
        return matches

    def taken(self, which: NDArray[np.bool_] | Numbers) -> _Run:
        """Some of the rows, in their order or another."""
        return _Run(
            self.first[which],
            self.rest[which],
            self.shard[which],
            self.row[which],
            self.rank[which],
        )


class HashIndex:
    """Rows by content hash. Of several with the same hash, the one of the lowest rank is found.

    It is a few sorted runs, each more than twice as long as the next: so adding a little costs
    little, however much is there.
    """

    def __init__(self) -> None:
        self._runs: tuple[_Run, ...] = ()

    def add(self, digests: Digests, shards: Numbers, rows: Numbers, ranks: Numbers) -> None:
        """Add n rows.

        Args:
            digests: (n, 4).
            shards: (n,), in which shard each is.
            rows: (n,), at which place of it.
            ranks: (n,), 0 to 255.
        """
        if not len(digests):
            return
        made = _sorted(
            _Run(
                np.ascontiguousarray(digests[:, 0]),
                np.ascontiguousarray(digests[:, 1:]),
                shards.astype(np.int32),
                rows.astype(np.int32),
                ranks.astype(np.uint8),
            )
        )
        runs = [*self._runs, made]
        while len(runs) > 1 and len(runs[-2].first) <= 2 * len(runs[-1].first):
            last, before = runs.pop(), runs.pop()
            runs.append(_sorted(_joined(before, last)))
        self._runs = tuple(runs)

    def find(self, requested: Digests) -> tuple[Numbers, Numbers]:
        """(m,) shards and (m,) rows of m hashes; -1 where there is none."""
        order = np.argsort(requested[:, 0])  # in order, they are near each other in memory
        requested = requested[order]
        shards, rows = np.full(len(requested), -1), np.full(len(requested), -1)
        ranks = np.full(len(requested), 256)
        for run in self._runs:
            places = run.find(requested)
            hits = np.flatnonzero(places >= 0)
            hits = hits[run.rank[places[hits]] < ranks[hits]]
            at = places[hits]
            shards[hits], rows[hits], ranks[hits] = run.shard[at], run.row[at], run.rank[at]
        back = np.argsort(order)
        return shards[back], rows[back]

    def drop(self, shards: Sequence[int]) -> None:
        """Forget all rows of some shards."""
        kept = (run.taken(~np.isin(run.shard, shards)) for run in self._runs)
        self._runs = tuple(run for run in kept if len(run.first))


def _joined(one: _Run, other: _Run) -> _Run:
    return _Run(
        np.concatenate([one.first, other.first]),
        np.concatenate([one.rest, other.rest]),
        np.concatenate([one.shard, other.shard]),
        np.concatenate([one.row, other.row]),
        np.concatenate([one.rank, other.rank]),
    )


def _sorted(run: _Run) -> _Run:
    return run.taken(np.lexsort((run.rank, run.first)))
