"""Embeddings of a folder of images, kept in the cache."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from annolooop.domain.progress import Track
from annolooop.domain.versions import BackboneInfo
from annolooop.files.whole import make_folder, replacing
from annolooop.loop.simulate.folder import LabelledFolder
from annolooop.stack import Stack
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.embeddings.embeddings import Embeddings, Vector, embedding_set_of
from annolooop.storage.records import WrongRecord, from_json

if TYPE_CHECKING:
    from annolooop.model.backbones.pipeline import Pipeline

FOLDER = "simulate"  # of the cache
WRITTEN_AT_ONCE = 256  # embeddings
READ_AT_ONCE = 4_096  # embeddings


@dataclass(frozen=True)
class FolderEmbeddings:
    """Embeddings by content hash.

    Attributes:
        vectors: content hash -> (d,).
        info: the backbone.
        new: how many were computed now.
        unreadable: files with reasons.
    """

    vectors: Mapping[str, Vector]
    info: BackboneInfo
    new: int
    unreadable: tuple[tuple[str, str], ...]


class FolderEmbedder:
    """Computes embeddings, and keeps them in the cache: a second run needs no network.

    Args:
        stack: says which backbone, and where the cache is.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._folder = make_folder(stack.cache / FOLDER)
        self._pipeline: Pipeline | None = None

    def embed(self, folder: LabelledFolder, track: Track) -> FolderEmbeddings:
        """Embeddings of all that can be read."""
        info = self._known() or self._built().info
        exact = self._stack.config.infer.precision == "fp32"
        store = ArtifactStore(str(self._folder))
        kept = Embeddings(store, embedding_set_of(info), self._folder, exact)
        kept.load()
        hashes = sorted(folder.files)
        missing = sorted(kept.missing(hashes))
        unreadable = self._compute(missing, folder, kept, track) if missing else {}
        readable = [sha256 for sha256 in hashes if sha256 not in unreadable]
        vectors: dict[str, Vector] = {}
        for start in range(0, len(readable), READ_AT_ONCE):
            part = readable[start : start + READ_AT_ONCE]
            vectors.update(zip(part, kept.matrix(part), strict=True))
        skipped = tuple((str(folder.files[sha256]), why) for sha256, why in unreadable.items())
        return FolderEmbeddings(vectors, info, len(missing) - len(unreadable), skipped)

    def _compute(
        self, missing: Sequence[str], folder: LabelledFolder, kept: Embeddings, track: Track
    ) -> dict[str, str]:
        """Embed and keep; content hash -> reason of those that could not be read."""
        unreadable: dict[str, str] = {}
        waiting: dict[str, Vector] = {}
        pipeline = self._built()
        files = ((sha256, folder.files[sha256].read_bytes()) for sha256 in missing)
        for batch in pipeline.embed(track(files, "embed", len(missing))):
            waiting.update(batch.vectors)
            unreadable.update(batch.unreadable)
            if len(waiting) >= WRITTEN_AT_ONCE:
                kept.add(waiting, pipeline.precision)
                waiting = {}
        kept.add(waiting, pipeline.precision)
        return unreadable

    def _built(self) -> "Pipeline":
        if self._pipeline is None:
            self._pipeline = self._stack.build_pipeline()
            text = json.dumps(asdict(self._pipeline.info))
            with replacing(self._record_file()) as part:
                part.write_text(text, encoding="utf-8")
        return self._pipeline

    def _known(self) -> BackboneInfo | None:
        """The backbone that these settings led to before: its weights need not be read again."""
        try:
            known: BackboneInfo = from_json(BackboneInfo, self._record_file().read_bytes())
        except (OSError, WrongRecord):
            return None
        return known

    def _record_file(self) -> Path:
        """The file that records the backbone that these settings lead to."""
        config = self._stack.config
        file = self._stack.loaded.path(config.model.weights)
        digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
        settings = [config.model.backbone, config.model.weights, digest, config.train.seed]
        return (
            self._folder / f"{hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]}.json"
        )
