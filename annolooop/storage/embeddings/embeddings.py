"""Embeddings by content hash, computed once and kept in the store.

A *set* has one backbone and one eval transform; embeddings of different sets are never compared.
``shards.py`` knows the files, this module which of them to read. Memory holds an index of hashes,
about 41 bytes an image, and no embedding.
"""

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from threading import RLock

import numpy as np

from annolooop.domain.versions import BackboneInfo
from annolooop.errors import DataError
from annolooop.files.whole import make_folder, remove_abandoned, replacing
from annolooop.storage.artifacts.prefixes import EMBEDDINGS
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.embeddings.hash_index import (
    HASH_BYTES,
    HashIndex,
    Numbers,
    digests_from,
    digests_of,
)
from annolooop.storage.embeddings.shards import (
    DAMAGED,
    EXACT,
    Shard,
    encode,
    is_index,
    listed,
    open_shard,
    read_rows,
)
from annolooop.storage.embeddings.shards import Vector as Vector

HASHES_AT_ONCE = 65_536  # that are looked up
DAY = 86_400.0


def embedding_set_of(info: BackboneInfo) -> str:
    """Name of the set of a backbone and its transform."""
    digest = hashlib.sha256(f"{info.fingerprint} {info.transform}".encode()).hexdigest()
    return f"{info.name}-{digest[:16]}"


class Embeddings:
    """The embeddings of one set. May be used from several threads.

    Args:
        store: where they are shared.
        name: of the set; see :func:`embedding_set_of`.
        cache: local folder for copies; it may be deleted at any time.
        exact: only those that were computed in fp32 count. Without it all do, and where one has
            been computed in fp32 too, that is the one.
        about: what new shards say of themselves, beside their format and precision.
    """

    def __init__(
        self,
        store: ArtifactStore,
        name: str,
        cache: Path,
        exact: bool = False,
        about: Mapping[str, str] | None = None,
    ) -> None:
        self._store = store
        self._prefix = f"{EMBEDDINGS}/{name}"
        # A folder on this machine is its own copy.
        self._here = store.local_path is not None
        self._folder = store.local_path / self._prefix if store.local_path else cache / name
        self._exact = exact
        self._about = about or {}
        self._shards: list[Shard] = []
        self._numbers: dict[str, int] = {}  # name of a shard -> its place in that list
        self._dims: dict[int, int] = {}  # place of a shard that was opened -> length of a row
        self._index = HashIndex()
        self._lock = RLock()

    def load(self) -> None:
        """Find out which embeddings the store has, as far as that is not known yet.

        Their indexes are read, from the local copies where there are such. What is damaged or not
        complete counts as missing: it is embedded again, which costs only time.
        """
        names = {f.key.rpartition("/")[2]: f.size for f in self._store.walk(self._prefix)}
        shards = [shard for shard in listed(names)[0] if self._counts(shard.precision)]
        new = [shard for shard in shards if shard.name not in self._numbers]
        indexed = [(shard, index) for shard, index in self.indexes(new) if index is not None]
        with self._lock:
            self._note(indexed)

    def __contains__(self, sha256: str) -> bool:
        """Whether an index lists it; its shard may still turn out to be damaged."""
        return bool(self._index.find(digests_of([sha256]))[0][0] >= 0)

    def missing(self, hashes: Iterable[str]) -> set[str]:
        """Those of the hashes that have no embedding, or only one that cannot be read.

        Shards that hold the others are copied from a bucket on the way.
        """
        remaining, missing = iter(hashes), set[str]()
        while part := list(islice(remaining, HASHES_AT_ONCE)):
            shards, _ = self._locate(part)
            missing.update(part[i] for i in np.flatnonzero(shards < 0))
        return missing

    def matrix(self, hashes: Iterable[str]) -> Vector:
        """Embeddings in the order of the hashes, (n, d) float32; at most a few thousand at a time.

        Raises:
            DataError: one of them is not there (any more).
        """
        requested = list(hashes)
        if not requested:
            return np.empty((0, 0), np.float32)
        shards, rows = self._locate(requested)
        if (shards < 0).any():
            raise self._gone(int((shards < 0).sum()))
        order = np.argsort(shards, kind="stable")
        numbers, starts = np.unique(shards[order], return_index=True)
        made = np.empty((len(requested), self._dims[int(numbers[0])]), np.float32)
        for number, places in zip(
            numbers.tolist(), np.split(order, starts[1:].tolist()), strict=True
        ):
            shard = self._shards[number]
            try:
                made[places] = read_rows(self._file(shard), shard, self._dims[number], rows[places])
            except DAMAGED:
                self._drop(number)
                raise self._gone(len(places)) from None
        return made

    def add(self, vectors: Mapping[str, Vector], precision: str = EXACT) -> None:
        """Keep embeddings, each (d,) float32, as one shard.

        Args:
            vectors: by content hash.
            precision: class of what they were computed with: ``fp32``, ``bf16`` or ``fp16``.
        """
        if not vectors:
            return
        hashes = sorted(vectors)
        matrix = np.stack([vectors[sha256] for sha256 in hashes]).astype(np.float32)
        shard, data, index = encode(hashes, matrix, precision, self._about)
        # The index last: what it belongs to is whole then.
        self._store.put(f"{self._prefix}/{shard.file}", data)
        self._store.put(f"{self._prefix}/{shard.index}", index)
        self._keep(shard.file, data)
        self._keep(shard.index, index)
        if self._counts(precision):
            with self._lock:
                if shard.name in self._numbers:
                    self._drop(self._numbers[shard.name])
                self._note([(shard, index)])
                self._dims[self._numbers[shard.name]] = matrix.shape[1]

    def _counts(self, precision: str) -> bool:
        return precision == EXACT or not self._exact

    def _note(self, indexed: Sequence[tuple[Shard, bytes]]) -> None:
        """Make rows of shards known."""
        if not indexed:
            return
        first, lengths = len(self._shards), [len(index) // 32 for _, index in indexed]
        for shard, _ in indexed:
            self._numbers[shard.name] = len(self._shards)
            self._shards.append(shard)
        total = sum(lengths)
        starts = np.cumsum([0, *lengths[:-1]])
        ranks = [shard.precision != EXACT for shard, _ in indexed]
        self._index.add(
            digests_from(b"".join(index for _, index in indexed)),
            np.repeat(np.arange(first, len(self._shards)), lengths),
            np.arange(total) - np.repeat(starts, lengths),
            np.repeat(np.array(ranks, np.int64), lengths),
        )

    def indexes(self, shards: Iterable[Shard]) -> Iterator[tuple[Shard, bytes | None]]:
        """Each shard with its index, ``None`` where that is damaged or gone."""
        for shard, data in self._store.get_each(shards, self._unread_index):
            try:
                if isinstance(data, bytes):
                    self._keep(shard.index, data)
                    index = data
                else:
                    index = (self._folder / shard.index).read_bytes()
                yield shard, index if is_index(index, shard) else None
            except DAMAGED:
                yield shard, None

    def _unread_index(self, shard: Shard) -> str | None:
        """Key of what has to be read from the store to know the hashes of a shard."""
        return self._uncopied(shard.index, HASH_BYTES * shard.rows)

    def _uncopied(self, name: str, size: int) -> str | None:
        """Key of an object of which there is no copy of the right size."""
        if self._here:
            return None
        try:
            there = (self._folder / name).stat().st_size == size
        except FileNotFoundError:
            there = False
        return None if there else f"{self._prefix}/{name}"

    def _keep(self, name: str, data: bytes) -> None:
        """Write a local copy, unless the store is local."""
        if self._here:
            return
        with replacing(make_folder(self._folder) / name) as part:
            part.write_bytes(data)

    def _file(self, shard: Shard) -> Path:
        return self._folder / shard.file

    def _locate(self, hashes: Sequence[str]) -> tuple[Numbers, Numbers]:
        """(n,) places of shards that can be read, and (n,) rows; -1 where there is none."""
        requested = digests_of(hashes)
        while True:
            shards, rows = self._index.find(requested)
            unopened = [n for n in np.unique(shards).tolist() if n >= 0 and n not in self._dims]
            if not unopened:
                return shards, rows
            self._open(unopened)

    def _open(self, numbers: Sequence[int]) -> None:
        """Copy shards where needed, and look whether they are whole; drop those that are not."""

        def uncopied(number: int) -> str | None:
            return self._uncopied(self._shards[number].file, self._shards[number].size)

        if not self._here and self._folder.exists():
            remove_abandoned(self._folder)
        for number, data in self._store.get_each(numbers, uncopied):
            shard = self._shards[number]
            try:
                if isinstance(data, bytes):
                    self._keep(shard.file, data)
                self._dims[number] = open_shard(self._file(shard), shard)
                self._mark_used(self._file(shard))
            except DAMAGED:
                if not self._here:
                    self._file(shard).unlink(missing_ok=True)
                if self._here or data is not None:
                    self._drop(number)
                # Else it is only the copy that is damaged: it is fetched again.

    def _mark_used(self, file: Path) -> None:
        """Note that a copy was used: its time of change says when, to a day."""
        if not self._here and time.time() - file.stat().st_mtime > DAY:
            os.utime(file)

    def _drop(self, number: int) -> None:
        """Forget a shard that cannot be read."""
        with self._lock:
            self._index.drop([number])
            self._dims.pop(number, None)

    def _gone(self, count: int) -> DataError:
        return DataError(
            f"{count} embeddings below {self._prefix} of the artifact store {self._store.url} "
            "are damaged or were deleted just now",
            "Type the same command again: what is missing is embedded again.",
        )
