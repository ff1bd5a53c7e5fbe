"""The sets of embeddings of a store: what each of them holds, and what of it nobody needs."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from annolooop.storage.artifacts.prefixes import EMBEDDINGS
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.embeddings.embeddings import Embeddings
from annolooop.storage.embeddings.hash_index import digests_from
from annolooop.storage.embeddings.shards import EXACT, Shard, listed


@dataclass(frozen=True)
class EmbeddingSet:
    """One set of embeddings in the store: one backbone and transform.

    Attributes:
        name: of its folder.
        shards: that are whole.
        parts: names of objects that belong to no whole shard.
        sizes: name of an object -> bytes, all of them.
    """

    name: str
    shards: tuple[Shard, ...]
    parts: tuple[str, ...]
    sizes: dict[str, int]

    def images(self) -> dict[str, int]:
        """Embeddings by precision class."""
        counts: Counter[str] = Counter()
        for shard in self.shards:
            counts[shard.precision] += shard.rows
        return dict(counts)


def find_embedding_sets(store: ArtifactStore) -> list[EmbeddingSet]:
    """The sets of a store, by name."""
    sizes: dict[str, dict[str, int]] = defaultdict(dict)
    for item in store.walk(EMBEDDINGS):
        folder, _, name = item.key.removeprefix(f"{EMBEDDINGS}/").rpartition("/")
        if folder and "/" not in folder:  # what others put beside the sets is none
            sizes[folder][name] = item.size
    sets = []
    for folder, objects in sorted(sizes.items()):
        shards, parts = listed(objects)
        sets.append(EmbeddingSet(folder, tuple(shards), tuple(parts), objects))
    return sets


def superseded(one: EmbeddingSet, embeddings: Embeddings) -> list[Shard]:
    """Shards whose images all have an embedding at least as exact in others, which stay."""
    ordered = sorted(one.shards, key=lambda s: (s.precision != EXACT, -s.rows, s.name))
    read = [(shard, index) for shard, index in embeddings.indexes(ordered) if index]
    if not read:
        return []
    digests = digests_from(b"".join(index for _, index in read))
    owner = np.repeat(np.arange(len(read)), [len(index) // 32 for _, index in read])
    order = np.lexsort((owner, *digests.T))
    repeated = np.zeros(len(order), bool)
    repeated[1:] = (digests[order[1:]] == digests[order[:-1]]).all(axis=1)
    needed = set(owner[order[~repeated]].tolist())
    return [shard for number, (shard, _) in enumerate(read) if number not in needed]


def delete_objects(store: ArtifactStore, one: EmbeddingSet, names: Iterable[str]) -> None:
    """Delete some objects of a set, each index before what it belongs to."""
    for name in sorted(names, key=lambda name: not name.endswith(".index")):
        store.delete(f"{EMBEDDINGS}/{one.name}/{name}")
