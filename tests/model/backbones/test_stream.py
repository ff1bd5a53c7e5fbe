"""Files go through decoding and the forward pass in order, whatever the threads do."""

from collections.abc import Iterator
from threading import Event

import numpy as np
import pytest
import torch

from annolooop.model.backbones.stream import PixelBatch, Spent, Stream, Vectors, Work
from annolooop.model.picture import Unreadable

Files = list[tuple[str, bytes]]


def decode(data: bytes) -> torch.Tensor:
    if data == b"broken":
        raise Unreadable("no image")
    return torch.full((3, 2, 2), int(data), dtype=torch.uint8)


def forward(pixels: torch.Tensor) -> Vectors:
    return np.asarray(pixels[:, 0, 0, :1].float().numpy(), np.float32)


def work(decoders: int = 2, forwarders: int = 0, batch_size: int = 4, memory: int = 1000) -> Work:
    def empty(n: int) -> torch.Tensor:
        return torch.empty((n, 3, 2, 2), dtype=torch.uint8)

    return Work(decode, forward, empty, batch_size, decoders, forwarders, memory)


def run(files: Files, how: Work) -> list[PixelBatch]:
    return list(Stream(files, how, Spent()).batches())


def numbered(count: int) -> Files:
    return [(f"f{n}", str(n).encode()) for n in range(count)]


@pytest.mark.parametrize(("decoders", "forwarders"), [(1, 0), (3, 0), (3, 1)])
def test_files_come_out_in_order_with_the_vectors_of_their_pixels(
    decoders: int, forwarders: int
) -> None:
    batches = run(numbered(30), work(decoders, forwarders))
    assert [name for b in batches for name in b.names] == [f"f{n}" for n in range(30)]
    vectors = np.concatenate([b.vectors for b in batches if b.vectors is not None])
    assert vectors[:, 0].tolist() == list(range(30))


def test_the_last_batch_may_be_smaller_and_nothing_gives_no_batch() -> None:
    assert [len(b.names) for b in run(numbered(9), work())] == [4, 4, 1]
    assert run([], work()) == []


def test_a_file_that_cannot_be_decoded_is_named_and_leaves_the_others_alone() -> None:
    (batch,) = run([("a", b"1"), ("b", b"broken"), ("c", b"3")], work())
    assert batch.unreadable == {1: "no image"}
    assert [batch.names[i] for i in batch.readable] == ["a", "c"]
    assert batch.vectors is not None
    assert batch.vectors[:, 0].tolist() == [1, 3]


def test_a_batch_of_broken_files_has_no_vectors() -> None:
    (batch,) = run([("a", b"broken"), ("b", b"broken")], work())
    assert batch.readable == []
    assert batch.vectors is not None
    assert len(batch.vectors) == 0


def test_files_are_pulled_only_while_there_is_memory_for_them() -> None:
    pulled = 0

    def files() -> Iterator[tuple[str, bytes]]:
        nonlocal pulled
        for name, data in numbered(100):
            pulled += 1
            yield name, data

    batches = Stream(files(), work(memory=12 * 8), Spent()).batches()  # 12 bytes an image
    next(batches)
    assert pulled <= 4 + 8 + 1  # the yielded batch, those that fit, one that waits
    batches.close()


def test_closing_the_stream_early_closes_the_source() -> None:
    closed = Event()

    def files() -> Iterator[tuple[str, bytes]]:
        try:
            yield from numbered(1000)
        finally:
            closed.set()

    batches = Stream(files(), work(memory=200), Spent()).batches()
    next(batches)
    batches.close()
    assert closed.wait(5)


def test_what_the_source_raises_reaches_whoever_iterates() -> None:
    def files() -> Iterator[tuple[str, bytes]]:
        yield "f0", b"0"
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(Stream(files(), work(), Spent()).batches())


def test_seconds_of_work_are_added_up() -> None:
    spent = Spent()
    list(Stream(numbered(20), work(), spent).batches())
    assert spent.decode > 0
    assert spent.forward > 0
