"""From files to embeddings: decode in threads, gather batches, run the backbone."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from os import cpu_count

import numpy as np
import torch
from numpy.typing import NDArray

from annolooop.model.classifier import Backbone
from annolooop.model.transforms import Unreadable
from annolooop.records import BackboneInfo

Decoding = tuple[str, "Future[torch.Tensor]"]


@dataclass(frozen=True)
class Embedded:
    """One batch: names with their embeddings, (d,) float32 each, and what could not be read."""

    vectors: dict[str, NDArray[np.float32]]
    unreadable: dict[str, str]


class Pipeline:
    """A backbone with what feeds it.

    Args:
        backbone: computes the embeddings.
        batch_size: images in one forward pass.
    """

    def __init__(self, backbone: Backbone, batch_size: int) -> None:
        self.backbone = backbone
        self._batch_size = batch_size

    @property
    def info(self) -> BackboneInfo:
        """What the embeddings come from."""
        return self.backbone.info

    @property
    def precision(self) -> str:
        return "fp32"

    def busy(self) -> dict[str, float]:
        return {}

    def weights(self) -> bytes:
        """The backbone's weights, a safetensors file."""
        return self.backbone.to_bytes()

    def embed(self, files: Iterable[tuple[str, bytes]]) -> Iterator[Embedded]:
        """Embed files given as (name, bytes); at most three batches are in memory at a time.

        Yields:
            One :class:`Embedded` for each batch of files, in their order.
        """
        decode = self.backbone.transform.decode
        jobs = ((name, partial(decode, data)) for name, data in files)
        for batch in _decode_ahead(jobs, self._batch_size):
            yield self._embed_batch(batch)

    def _embed_batch(self, batch: Iterable[Decoding]) -> Embedded:
        names: list[str] = []
        pixels: list[torch.Tensor] = []
        unreadable: dict[str, str] = {}
        for name, decoded in batch:
            try:
                pixels.append(decoded.result())
                names.append(name)
            except Unreadable as error:
                unreadable[name] = str(error)
        if not names:
            return Embedded({}, unreadable)
        embedded = self.backbone.embed(torch.stack(pixels))
        return Embedded(dict(zip(names, embedded, strict=True)), unreadable)


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
    for batch in _decode_ahead(((name, partial(decode, name)) for name in names), batch_size):
        yield [name for name, _ in batch], torch.stack([decoded.result() for _, decoded in batch])


def _decode_ahead(
    jobs: Iterable[tuple[str, Callable[[], torch.Tensor]]], batch_size: int
) -> Iterator[list[Decoding]]:
    """Batches in their order, while the next two are decoded in threads."""
    iterator = iter(jobs)
    waiting: deque[Decoding] = deque()
    with ThreadPoolExecutor(cpu_count() or 1) as pool:

        def submit() -> None:
            for name, job in islice(iterator, 2 * batch_size - len(waiting)):
                waiting.append((name, pool.submit(job)))

        submit()
        while waiting:
            batch = [waiting.popleft() for _ in range(min(batch_size, len(waiting)))]
            submit()
            yield batch
