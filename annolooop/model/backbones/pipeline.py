"""From files to embeddings: decode in threads, gather batches, run the backbone."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from threading import Lock
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from annolooop.domain.versions import BackboneInfo
from annolooop.errors import ConfigError
from annolooop.model.backbones.classifier import Backbone
from annolooop.model.backbones.stream import Spent, Stream, Work
from annolooop.model.machine import cores, free_memory

Decoding = tuple[str, "Future[torch.Tensor]"]

MOST_MEMORY = 256 * 2**20  # bytes of files and pixels in memory, at most; less where little is free
MEMORY_PER_CORE = 32 * 2**20  # of these, for each core where the cores do all the work
FORWARD_BYTES = 24 * 2**20  # what an image takes while it goes through a large network
CPU_BATCH = 8  # what is computed for it still lies in a core's cache
MANY_CORES = 16  # from there on, Python would be busy with starting small batches
DEVICE_BATCH = {"cuda": 256, "mps": 64}


@dataclass(frozen=True)
class Embedded:
    """One batch: names with their embeddings, (d,) float32 each, and what could not be read."""

    vectors: dict[str, NDArray[np.float32]]
    unreadable: dict[str, str]


class Pipeline:
    """A backbone with what feeds it.

    Args:
        backbone: computes the embeddings.
        batch_size: images in one forward pass; ``auto`` is what suits the device.
        memory: bytes of files and pixels in memory; default: what suits device and free memory.
    """

    def __init__(
        self,
        backbone: Backbone,
        batch_size: int | Literal["auto"] = "auto",
        memory: int | None = None,
    ) -> None:
        self.backbone = backbone
        self.batch_size = _suiting(backbone.device) if batch_size == "auto" else batch_size
        self._memory = _room(backbone.device) if memory is None else memory
        self._decoders = cores()
        self._forwarders = 0 if backbone.device.type == "cpu" else 1
        self._spent = Spent()
        self._lock = Lock()
        self._at_once = self.batch_size  # lower when that did not fit

    @property
    def info(self) -> BackboneInfo:
        """What the embeddings come from."""
        return self.backbone.info

    @property
    def precision(self) -> str:
        """What it computes in: ``fp32``, ``bf16`` or ``fp16``."""
        return self.backbone.precision

    def weights(self) -> bytes:
        """The backbone's weights, a safetensors file."""
        return self.backbone.to_bytes()

    def busy(self) -> dict[str, float]:
        """Seconds of work so far in each stage, over those who do it at once."""
        return {
            "decode": self._spent.decode / self._decoders,
            "forward": self._spent.forward / (self._forwarders or self._decoders),
        }

    def prepare(self) -> None:
        """Make the network that computes, once, and not in several threads."""
        self.backbone.network  # noqa: B018 - it is made when it is first asked for

    def embed(self, files: Iterable[tuple[str, bytes]]) -> Iterator[Embedded]:
        """Embed any number of files given as (name, bytes), flat in memory.

        Args:
            files: read in another thread before they are needed, within a bound in bytes.

        Yields:
            One :class:`Embedded` for each batch of files, in their order.

        Raises:
            ConfigError: the device has too little memory for one image.
            Exception: what ``files`` raised.
        """
        work = Work(
            decode=self.backbone.transform.decode,
            forward=self._forward,
            empty=self.backbone.empty,
            batch_size=self.batch_size,
            decoders=self._decoders,
            forwarders=self._forwarders,
            memory=self._memory,
        )
        self.prepare()
        with closing(Stream(files, work, self._spent).batches()) as batches:
            for batch in batches:
                names = [batch.names[i] for i in batch.readable]
                unreadable = {batch.names[i]: why for i, why in batch.unreadable.items()}
                assert batch.vectors is not None
                yield Embedded(dict(zip(names, batch.vectors, strict=True)), unreadable)

    def _forward(self, pixels: torch.Tensor) -> NDArray[np.float32]:
        """Embeddings of a batch, in as many parts as the device's memory asks for."""
        parts: list[NDArray[np.float32]] = []
        while len(pixels):
            count = min(self._at_once, len(pixels))
            try:
                parts.append(self.backbone.embed(pixels[:count]))
            except torch.OutOfMemoryError:
                self._halve(count)
            else:
                pixels = pixels[count:]
        return np.concatenate(parts)

    def _halve(self, failed: int) -> None:
        """So many images at once did not fit."""
        device = self.backbone.device.type
        if failed == 1:
            raise ConfigError(
                f"the memory of {device} is too small for one image in {self.info.name}",
                "Use another device: --set infer.device=cpu",
            )
        with self._lock:
            self._at_once = min(self._at_once, failed // 2)
        if device == "cuda":
            torch.cuda.empty_cache()


def _room(device: torch.device) -> int:
    """Bytes of files and pixels that may wait: enough for no worker to wait."""
    most = MOST_MEMORY if device.type != "cpu" else min(MOST_MEMORY, MEMORY_PER_CORE * cores())
    return min(most, free_memory() // 8)


def _suiting(device: torch.device) -> int:
    """A batch size that suits a device and the memory that is free."""
    cuda = device.type == "cuda"
    free = torch.cuda.mem_get_info(device)[0] if cuda else free_memory()
    sharing = cores() if device.type == "cpu" else 1
    most = DEVICE_BATCH.get(device.type, CPU_BATCH if sharing <= MANY_CORES else 4 * CPU_BATCH)
    return max(1, min(most, free // 2 // FORWARD_BYTES // sharing))


def decode_batches(
    names: Iterable[str], decode: Callable[[str], torch.Tensor], batch_size: int
) -> Iterator[tuple[list[str], torch.Tensor]]:
    """Names with their pixels, (n, 3, crop, crop) uint8, in their order.

    Args:
        names: of images.
        decode: a name to its pixels; it is called in threads.
        batch_size: the highest n.

    Raises:
        Unreadable: ``decode`` did.
    """
    for batch in _decode_early(((name, partial(decode, name)) for name in names), batch_size):
        yield [name for name, _ in batch], torch.stack([decoded.result() for _, decoded in batch])


def _decode_early(
    jobs: Iterable[tuple[str, Callable[[], torch.Tensor]]], batch_size: int
) -> Iterator[list[Decoding]]:
    """Batches in their order, while the next two are decoded in threads."""
    iterator = iter(jobs)
    waiting: deque[Decoding] = deque()
    with ThreadPoolExecutor(cores()) as pool:

        def submit() -> None:
            for name, job in islice(iterator, 2 * batch_size - len(waiting)):
                waiting.append((name, pool.submit(job)))

        submit()
        while waiting:
            batch = [waiting.popleft() for _ in range(min(batch_size, len(waiting)))]
            submit()
            yield batch
