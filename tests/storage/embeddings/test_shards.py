"""Files of embeddings: whole, or known not to be."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from annolooop.storage.embeddings import shards
from annolooop.storage.embeddings.shards import (
    DAMAGED,
    START,
    Shard,
    encode,
    is_index,
    listed,
    open_shard,
    read_rows,
)

HASHES = sorted(hashlib.sha256(str(n).encode()).hexdigest() for n in range(3))
ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.fixture
def made() -> tuple[Shard, bytes, bytes]:
    return encode(HASHES, ROWS, "fp32", {"backbone": "resnet18"})


def sizes(shard: Shard, data: bytes, index: bytes) -> dict[str, int]:
    return {shard.file: len(data), shard.index: len(index)}


def test_shard_is_listed_with_its_rows_and_precision(made: tuple[Shard, bytes, bytes]) -> None:
    assert listed(sizes(*made)) == ([made[0]], [])
    assert (made[0].rows, made[0].precision) == (3, "fp32")


def test_shard_without_its_index_does_not_count(made: tuple[Shard, bytes, bytes]) -> None:
    shard, data, _ = made
    assert listed({shard.file: len(data)}) == ([], [shard.file])


def test_index_without_its_shard_does_not_count(made: tuple[Shard, bytes, bytes]) -> None:
    shard, _, index = made
    assert listed({shard.index: len(index)}) == ([], [shard.index])


def test_shard_of_a_wrong_size_does_not_count(made: tuple[Shard, bytes, bytes]) -> None:
    shard, data, index = made
    assert listed(sizes(shard, data[:-1], index))[0] == []


def test_files_of_others_are_not_named(made: tuple[Shard, bytes, bytes]) -> None:
    assert listed({**sizes(*made), "notes.txt": 3}) == ([made[0]], [])


def test_name_follows_from_hashes_and_precision(made: tuple[Shard, bytes, bytes]) -> None:
    again, _, _ = encode(HASHES, ROWS + 1, "fp32", {})
    other, _, _ = encode(HASHES, ROWS, "bf16", {})
    assert again.name == made[0].name != other.name


def test_rows_are_read_in_the_order_asked(made: tuple[Shard, bytes, bytes], tmp_path: Path) -> None:
    shard, data, _ = made
    file = tmp_path / shard.file
    file.write_bytes(data)
    dim = open_shard(file, shard)
    assert dim == 4
    assert read_rows(file, shard, dim, np.array([2, 0])).tolist() == ROWS[[2, 0]].tolist()


@pytest.mark.parametrize("at", [20, START, -1])
def test_changed_byte_is_noticed(made: tuple[Shard, bytes, bytes], tmp_path: Path, at: int) -> None:
    shard, data, _ = made
    changed = bytearray(data)
    changed[at] ^= 1
    file = tmp_path / shard.file
    file.write_bytes(changed)
    with pytest.raises(DAMAGED):
        open_shard(file, shard)


def test_file_is_read_as_a_whole_once_while_it_does_not_change(
    made: tuple[Shard, bytes, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard, data, _ = made
    file, reads = tmp_path / shard.file, list[Path]()
    file.write_bytes(data)
    read_whole = shards._read_whole
    monkeypatch.setattr(shards, "_read_whole", lambda f, s: reads.append(f) or read_whole(f, s))
    assert open_shard(file, shard) == open_shard(file, shard) == 4
    assert reads == [file]
    file.unlink()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(DAMAGED):
        open_shard(file, shard)


def test_changed_index_is_noticed(made: tuple[Shard, bytes, bytes]) -> None:
    shard, _, index = made
    assert is_index(index, shard)
    assert not is_index(index[:-32] + bytes(32), shard)


@pytest.mark.parametrize("cut", [0, 8, START, -4])
def test_truncated_file_cannot_be_opened(
    made: tuple[Shard, bytes, bytes], tmp_path: Path, cut: int
) -> None:
    shard, data, _ = made
    file = tmp_path / shard.file
    file.write_bytes(data[:cut])
    with pytest.raises(DAMAGED):
        open_shard(file, shard)
