"""A dataset in a folder, and a backbone that needs no weights."""

from pathlib import Path
from typing import cast

from support.fake_backbone import FakePipeline

from annolooop.loop.embed.embed import Embedder
from annolooop.model.backbones.pipeline import Pipeline
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.embeddings.embeddings import Embeddings
from annolooop.storage.file_hashes import FileHashes
from annolooop.storage.images import ImageCatalog


class LocalDataset:
    """An empty dataset, and a folder of files beside it.

    Attributes:
        batch: the folder.
        pipeline: what embeds; only opened when something has to be embedded.
    """

    def __init__(self, folder: Path) -> None:
        self.batch = folder / "b"
        self.batch.mkdir()
        self.store = ArtifactStore(str(folder / "store"), unshown={"?": "it cannot be shown"})
        self.catalog = ImageCatalog(self.store, "d")
        self.embeddings = Embeddings(self.store, "fake", folder / "copies", True)
        self.hashes = FileHashes(folder / "hashes.sqlite")
        self.pipeline = FakePipeline()
        self.opened = 0

    def write(self, **files: bytes) -> None:
        for name, data in files.items():
            (self.batch / f"{name}.jpg").write_bytes(data)

    def embedder(self) -> Embedder:
        return Embedder(self.store, self.catalog, self.embeddings, self._open, self.hashes)

    def _open(self) -> Pipeline:
        self.opened += 1
        return cast(Pipeline, self.pipeline)
