"""Files of embeddings: what they are called, what is in them. docs/embeddings.md describes them.

A shard is a safetensors file that holds one tensor, and an index that is written after it: only
with its index it counts.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annolooop.storage.embeddings.hash_index import HASH_BYTES, Numbers

Vector = NDArray[np.float32]

EXACT = "fp32"  # the precision class that is good enough for everyone
FORMAT = "1"
START = 1024  # bytes before the vectors: the length of the header, the header, blanks
TENSOR = "embedding"
BLOCK = 1_000_000  # bytes that are read at once
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)

_whole: dict[tuple[str, int, int, int], int] = {}  # state of a file -> length of an embedding
_NAME = re.compile(r"[0-9a-f]{24}-([a-z0-9]+)")


@dataclass(frozen=True)
class Shard:
    """One file of embeddings.

    Attributes:
        name: without an ending; it follows from the hashes and the precision class.
        precision: class of what they were computed with.
        rows: how many embeddings.
        size: bytes, without the index.
    """

    name: str
    precision: str
    rows: int
    size: int

    @property
    def file(self) -> str:
        """Name of its object."""
        return f"{self.name}.safetensors"

    @property
    def index(self) -> str:
        """Name of the object that holds its hashes."""
        return f"{self.name}.index"


def listed(sizes: Mapping[str, int]) -> tuple[list[Shard], list[str]]:
    """The shards among objects of a set, and the names of what belongs to no whole shard.

    Args:
        sizes: name of an object -> bytes.
    """
    shards = []
    for name, size in sorted(sizes.items()):
        stem, _, ending = name.rpartition(".")
        if ending == "index" and (match := _NAME.fullmatch(stem)) and size:
            shard = Shard(stem, match[1], size // HASH_BYTES, sizes.get(f"{stem}.safetensors", 0))
            vectors = shard.size - START
            if not size % HASH_BYTES and vectors > 0 and not vectors % (4 * shard.rows):
                shards.append(shard)
    used = {name for shard in shards for name in (shard.file, shard.index)}
    return shards, sorted(name for name in sizes if is_part(name) and name not in used)


def is_part(name: str) -> bool:
    """Whether a file or object has the name of a shard or of its index."""
    stem, _, ending = name.rpartition(".")
    return ending in ("index", "safetensors") and bool(_NAME.fullmatch(stem))


def encode(
    hashes: Sequence[str], matrix: Vector, precision: str, about: Mapping[str, str]
) -> tuple[Shard, bytes, bytes]:
    """A shard of n hashes and (n, d) embeddings: what it is called, its file, its index."""
    index = bytes.fromhex("".join(hashes))
    vectors = np.ascontiguousarray(matrix, "<f4").tobytes()
    header = {
        TENSOR: {"dtype": "F32", "shape": list(matrix.shape), "data_offsets": [0, len(vectors)]},
        "__metadata__": {
            "format": FORMAT,
            "precision": precision,
            "sha256": hashlib.sha256(vectors).hexdigest(),
            **about,
        },
    }
    padded = json.dumps(header).encode().ljust(START - 8)
    assert len(padded) == START - 8, "about is too long"
    data = len(padded).to_bytes(8, "little") + padded + vectors
    name = f"{_digest(index, precision)}-{precision}"
    return Shard(name, precision, len(hashes), len(data)), data, index


def read_header(data: bytes, shard: Shard) -> tuple[int, dict[str, str]]:
    """Length of an embedding, and what the file says of itself, from its first bytes.

    Raises:
        one of :data:`DAMAGED`: it is damaged.
    """
    if int.from_bytes(data[:8], "little") != START - 8:
        raise ValueError("no header")
    header = json.loads(data[8:START])
    tensor = header[TENSOR]
    rows, dim = tensor["shape"]
    length = 4 * rows * dim
    if rows != shard.rows or tensor["dtype"] != "F32" or tensor["data_offsets"] != [0, length]:
        raise ValueError("another tensor")
    if shard.size != START + length:
        raise ValueError("another size")
    return dim, header["__metadata__"]


def is_index(data: bytes, shard: Shard) -> bool:
    """Whether this is the index of a shard, undamaged: its name is a checksum of it."""
    return shard.name == f"{_digest(data, shard.precision)}-{shard.precision}"


def open_shard(file: Path, shard: Shard) -> int:
    """Length of an embedding in a file that is a shard's, bit for bit.

    All of it is read for that, once while this program runs and the file does not change.

    Raises:
        one of :data:`DAMAGED`: it is damaged.
    """
    status = file.stat()
    state = (str(file), status.st_size, status.st_mtime_ns, status.st_ino)
    if state not in _whole:
        _whole[state] = _read_whole(file, shard)
    return _whole[state]


def _read_whole(file: Path, shard: Shard) -> int:
    with file.open("rb") as opened:
        dim, about = read_header(opened.read(START), shard)
        digest, size = hashlib.sha256(), START
        while block := opened.read(BLOCK):
            digest.update(block)
            size += len(block)
    if size != shard.size or digest.hexdigest() != about["sha256"]:
        raise ValueError("another content")
    return dim


def read_rows(file: Path, shard: Shard, dim: int, rows: Numbers) -> Vector:
    """(m, d) of m rows of a file, in the order of ``rows``."""
    mapped = np.memmap(file, "<f4", "r", START, (shard.rows, dim))
    return np.asarray(mapped[rows])  # a copy: the mapping ends here, and its pages with it


def _digest(index: bytes, precision: str) -> str:
    return hashlib.sha256(index + precision.encode()).hexdigest()[:24]
