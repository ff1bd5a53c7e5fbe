"""Embeddings by content hash, computed once and kept in the store.

Format: ``embeddings/<space>/<name>.npz``, each written once, with two arrays: ``sha256``
(n strings of 64 hex digits) and ``embedding`` (n × d float32). A *space* is one backbone
with one eval transform; embeddings of different spaces are never compared.
"""

import contextlib
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annolooop.files import make_folder, replacing
from annolooop.storage.prefixes import EMBEDDINGS
from annolooop.storage.store import ArtifactStore

Vector = NDArray[np.float32]
DAMAGED = (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError)


class Embeddings:
    """The embeddings of one space.

    Args:
        store: where they are shared.
        space: names the backbone and the transform.
        cache: local folder for copies; it may be deleted at any time.
    """

    def __init__(self, store: ArtifactStore, space: str, cache: Path) -> None:
        self._store = store
        self._prefix = f"{EMBEDDINGS}/{space}"
        # A folder on this machine is its own copy.
        self._cache = None if store.local_path else cache / space
        self._vectors: dict[str, Vector] = {}
        self._read: set[str] = set()

    def load(self) -> None:
        """Read what the store has and we have not read yet.

        A damaged file counts as missing: what it held is embedded again, which costs only time.
        """
        unread = [f.key for f in self._store.walk(self._prefix) if f.key not in self._read]
        for key, data in self._store.get_each(unread, self._uncopied):
            with contextlib.suppress(*DAMAGED):
                self._vectors |= _rows(self._copied(key, data))
            self._read.add(key)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._vectors

    def matrix(self, hashes: Iterable[str]) -> Vector:
        """Embeddings in the given order, (n, d) float32. Each hash must be there."""
        rows = [self._vectors[sha256] for sha256 in hashes]
        return np.stack(rows) if rows else np.empty((0, 0), np.float32)

    def add(self, vectors: Mapping[str, Vector], precision: str = "fp32") -> None:
        """Keep embeddings, each (d,) float32: one write."""
        if not vectors:
            return
        hashes = sorted(vectors)
        buffer = io.BytesIO()
        matrix = np.stack([vectors[sha256] for sha256 in hashes]).astype(np.float32)
        np.savez(buffer, sha256=np.array(hashes), embedding=matrix)
        name = hashlib.sha256("".join(hashes).encode()).hexdigest()[:24]
        key = f"{self._prefix}/{name}.npz"
        self._store.put(key, buffer.getvalue())
        self._read.add(key)
        self._vectors |= {sha256: matrix[i] for i, sha256 in enumerate(hashes)}

    def _copy(self, key: str) -> Path | None:
        return self._cache and self._cache / key.rpartition("/")[2]

    def _uncopied(self, key: str) -> str | None:
        copy = self._copy(key)
        return None if copy and copy.exists() else key

    def _copied(self, key: str, data: bytes | KeyError | None) -> bytes:
        """What the store gave, from now on with a copy of it; without that, the copy."""
        copy = self._copy(key)
        if isinstance(data, KeyError):
            raise data
        if data is None:
            assert copy
            return copy.read_bytes()
        if copy:
            make_folder(copy.parent)
            with replacing(copy) as part:
                part.write_bytes(data)
        return data


def _rows(data: bytes) -> dict[str, Vector]:
    with np.load(io.BytesIO(data), allow_pickle=False) as shard:
        return dict(zip(shard["sha256"].tolist(), shard["embedding"], strict=True))
