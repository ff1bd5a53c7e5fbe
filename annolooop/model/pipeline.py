"""From files to embeddings: decode in threads, gather batches, run the backbone."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from os import cpu_count

import numpy as np
import torch
from numpy.typing import NDArray

from annolooop.model.classifier import Backbone
from annolooop.model.transforms import Unreadable
from annolooop.records import BackboneInfo


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
        self._backbone = backbone
        self._batch_size = batch_size

    @property
    def info(self) -> BackboneInfo:
        """What the embeddings come from."""
        return self._backbone.info

    def weights(self) -> bytes:
        """The backbone's weights, a safetensors file."""
        return self._backbone.to_bytes()

    def embed(self, files: Iterable[tuple[str, bytes]]) -> Iterator[Embedded]:
        """Embed files given as (name, bytes); at most three batches are in memory at a time.

        Yields:
            One :class:`Embedded` for each batch of files, in their order.
        """
        iterator = iter(files)
        waiting: deque[tuple[str, Future[torch.Tensor]]] = deque()
        with ThreadPoolExecutor(cpu_count() or 1) as pool:

            def decode_ahead() -> None:
                for name, data in islice(iterator, 2 * self._batch_size - len(waiting)):
                    waiting.append((name, pool.submit(self._backbone.transform.decode, data)))

            decode_ahead()
            while waiting:
                batch = [waiting.popleft() for _ in range(min(self._batch_size, len(waiting)))]
                decode_ahead()
                yield self._embed_batch(batch)

    def _embed_batch(self, batch: Iterable[tuple[str, Future[torch.Tensor]]]) -> Embedded:
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
        embedded = self._backbone.embed(torch.stack(pixels))
        return Embedded(dict(zip(names, embedded, strict=True)), unreadable)
