"""A stream of files through decoding and the forward pass, in threads; in order, never drained.

Threads take whatever work is there: a batch that is decoded before a file that is not. On a CPU
each core has one thread, which does both, each with one core: no core waits for another at the end
of every layer, and none is taken from decoding by threads that spin until the next one. A device
has one thread that feeds it, and each core one that decodes.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from threading import Condition, Lock, Thread
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from annolooop.model.machine import cores
from annolooop.model.picture import Unreadable

Vectors = NDArray[np.float32]
SECONDS_TO_JOIN = 2.0  # that the end of a stream waits for a file that is just being fetched


@dataclass(frozen=True)
class Work:
    """What is done to files, and by how many.

    Attributes:
        decode: a file's bytes to (3, crop, crop) uint8 pixels, or :class:`Unreadable`.
        forward: (n, 3, crop, crop) uint8 pixels to (n, d) embeddings.
        empty: room for the pixels of n images.
        batch_size: files in one forward pass.
        decoders: threads that decode.
        forwarders: threads of their own for the forward pass; with 0, decoders do it, too.
        memory: bytes of files and pixels that may be in memory; a file counts until it is yielded.
    """

    decode: Callable[[bytes], torch.Tensor]
    forward: Callable[[torch.Tensor], Vectors]
    empty: Callable[[int], torch.Tensor]
    batch_size: int
    decoders: int
    forwarders: int
    memory: int


@dataclass
class Spent:
    """Seconds of work so far, of all threads together."""

    decode: float = 0.0
    forward: float = 0.0


@dataclass
class PixelBatch:
    """Files that go through the network together.

    Attributes:
        names: of its files.
        pixels: theirs, in the same order; those of unreadable files are never written.
        waiting: files that are not decoded yet.
        full: no further file comes.
        charge: bytes that it counts for.
        vectors: embeddings of the readable files, once they are there.
    """

    pixels: torch.Tensor
    names: list[str] = field(default_factory=list)
    unreadable: dict[int, str] = field(default_factory=dict)
    waiting: int = 0
    full: bool = False
    charge: int = 0
    vectors: Vectors | None = None

    @property
    def readable(self) -> list[int]:
        """Numbers of the files that could be decoded."""
        return [i for i in range(len(self.names)) if i not in self.unreadable]


@dataclass(frozen=True)
class _File:
    batch: PixelBatch
    number: int
    data: bytes


class Stream:
    """One run of files through the pipeline.

    Args:
        files: (name, bytes); pulled in one thread, and closed there if it is a generator.
        work: what to do.
        spent: is added to.
    """

    def __init__(self, files: Iterable[tuple[str, bytes]], work: Work, spent: Spent) -> None:
        self._files, self._work, self._spent = files, work, spent
        lock = Lock()
        self._to_yield, self._room = Condition(lock), Condition(lock)
        self._to_decode = Condition(lock)
        self._to_forward = Condition(lock) if work.forwarders else self._to_decode
        self._lock = lock
        self._batches: deque[PixelBatch] = deque()  # in order, from the next that is yielded on
        self._undecoded: deque[_File] = deque()
        self._decoded: deque[PixelBatch] = deque()
        self._charge = 0
        self._ended = False  # no further file comes
        self._stopped = False  # nobody wants the rest
        self._failure: BaseException | None = None

    def batches(self) -> Generator[PixelBatch, None, None]:
        """All batches in order, once; what runs in threads ends with this generator.

        Raises:
            Exception: what ``files``, decoding (but :class:`Unreadable`) or the forward pass did.
        """
        both = self._work.forwarders == 0
        threads = [self._start(self._run, True, both) for _ in range(self._work.decoders)]
        threads += [self._start(self._run, False, True) for _ in range(self._work.forwarders)]
        pull = self._start(self._pull)
        try:
            while (batch := self._next()) is not None:
                yield batch
        finally:
            with self._lock:
                self._stopped = True
                for condition in (self._room, self._to_decode, self._to_forward):
                    condition.notify_all()
            for thread in threads:
                thread.join()
            pull.join(SECONDS_TO_JOIN)
            torch.set_num_threads(cores())  # what threads of others begin with

    def _start(self, target: Callable[..., None], *args: object) -> Thread:
        thread = Thread(target=self._guard, args=(target, *args), name="embed", daemon=True)
        thread.start()
        return thread

    def _guard(self, target: Callable[..., None], *args: object) -> None:
        """Hand what goes wrong in a thread to whoever iterates."""
        try:
            target(*args)
        except BaseException as error:
            with self._lock:
                self._failure = self._failure or error
                self._to_yield.notify()

    def _next(self) -> PixelBatch | None:
        """Wait for the next batch; ``None`` after the last."""
        with self._lock:
            while self._failure is None:
                if self._batches and self._batches[0].vectors is not None:
                    batch = self._batches.popleft()
                    self._charge -= batch.charge
                    self._room.notify()
                    return batch
                if self._ended and not self._batches:
                    return None
                self._to_yield.wait()
            raise self._failure

    def _pull(self) -> None:
        """Take files while there is room for them."""
        iterator = iter(self._files)
        try:
            for name, data in iterator:
                with self._lock:
                    while not (self._stopped or self._fits(len(data))):
                        self._room.wait()
                    if self._stopped:
                        return
                    self._add(name, data)
        finally:
            close = getattr(iterator, "close", None)
            if close:
                close()
        with self._lock:
            self._ended = True
            if self._batches and not self._batches[-1].full:
                self._fill(self._batches[-1])
            self._to_yield.notify()

    def _fits(self, size: int) -> bool:
        """Whether there is room; there always is when everything waits for a batch to be filled."""
        lone = len(self._batches) <= 1 and not self._undecoded
        filling = not self._batches or not self._batches[-1].full
        return self._charge + size <= self._work.memory or (lone and filling)

    def _add(self, name: str, data: bytes) -> None:
        if not self._batches or self._batches[-1].full:
            self._batches.append(PixelBatch(self._work.empty(self._work.batch_size)))
        batch = self._batches[-1]
        self._count(batch, max(len(data), batch.pixels[0].nbytes))
        self._undecoded.append(_File(batch, len(batch.names), data))
        batch.names.append(name)
        batch.waiting += 1
        if len(batch.names) == self._work.batch_size:
            self._fill(batch)
        self._to_decode.notify()

    def _fill(self, batch: PixelBatch) -> None:
        batch.full = True
        self._hand_on(batch)

    def _hand_on(self, batch: PixelBatch) -> None:
        """To the network, once all its files are there and decoded."""
        if batch.full and not batch.waiting:
            self._decoded.append(batch)
            self._to_forward.notify()

    def _count(self, batch: PixelBatch, size: int) -> None:
        batch.charge += size
        self._charge += size

    def _run(self, decodes: bool, forwards: bool) -> None:
        """Do what is there to be done, until nobody wants it."""
        torch.set_num_threads(1 if decodes else cores())
        while (job := self._take(decodes, forwards)) is not None:
            self._forward(job) if isinstance(job, PixelBatch) else self._decode(job)

    def _take(self, decodes: bool, forwards: bool) -> "PixelBatch | _File | None":
        """Wait for something to do; ``None`` when nobody wants it."""
        with self._lock:
            while not (self._stopped or self._failure):
                if forwards and self._decoded:
                    return self._decoded.popleft()
                if decodes and self._undecoded:
                    return self._undecoded.popleft()
                (self._to_decode if decodes else self._to_forward).wait()
        return None

    def _decode(self, file: _File) -> None:
        begun = perf_counter()
        batch, slot, reason = file.batch, file.batch.pixels[file.number], None
        try:
            slot.copy_(self._work.decode(file.data))
        except Unreadable as error:
            reason = str(error)
        spent = perf_counter() - begun
        with self._lock:
            self._spent.decode += spent
            if reason is not None:
                batch.unreadable[file.number] = reason
            self._count(batch, min(0, slot.nbytes - len(file.data)))
            batch.waiting -= 1
            self._hand_on(batch)
            self._room.notify()

    def _forward(self, batch: PixelBatch) -> None:
        begun = perf_counter()
        numbers = batch.readable
        whole = len(numbers) == len(batch.names)
        pixels = batch.pixels[: len(numbers)] if whole else batch.pixels[numbers]
        vectors = self._work.forward(pixels) if numbers else np.empty((0, 0), np.float32)
        spent = perf_counter() - begun
        with self._lock:
            self._spent.forward += spent
            batch.vectors = vectors
            batch.pixels = pixels.new_empty(0)
            self._to_yield.notify()
