"""Composition root: opens the parts that a stack file describes, each when first asked for."""

from __future__ import annotations

import getpass
import hashlib
import platform
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from annolooop.config.load import LoadedStack, load_stack
from annolooop.config.schema import StackConfig
from annolooop.console.console import Console
from annolooop.errors import ConfigError, keeping_interrupts
from annolooop.files.whole import make_folder, replacing
from annolooop.storage.artifacts.prefixes import ANNOTATIONS
from annolooop.storage.clouds.cloud import Cloud
from annolooop.storage.clouds.table import open_cloud

if TYPE_CHECKING:
    from annolooop.domain.versions import BackboneInfo
    from annolooop.labelstudio.api.studio import Studio
    from annolooop.labelstudio.image_source import AnnotationExport, BucketImages, LocalImages
    from annolooop.labelstudio.server.daemon import Daemon
    from annolooop.model.backbones.pipeline import Pipeline
    from annolooop.storage.artifacts.store import ArtifactStore
    from annolooop.storage.embeddings.embeddings import Embeddings
    from annolooop.storage.file_hashes import FileHashes
    from annolooop.storage.images import ImageCatalog
    from annolooop.storage.lease import Lease
    from annolooop.storage.registry import Registry
    from annolooop.storage.snapshots import Snapshots
    from annolooop.storage.tasks import TaskIndex


def open_stack(console: Console, unread: bool = False) -> Stack:
    """The stack that the command line names; nothing is opened yet.

    Args:
        console: of the command.
        unread: without its secrets, and whether or not its variables are set.

    Raises:
        ConfigError: there is none, or it is wrong.
    """
    options = console.options
    loaded = load_stack(options.stack, options.overrides, unread=unread)
    return Stack(loaded, console.say, options.command)


class Stack:
    """The parts of one annotation loop.

    Args:
        loaded: the validated stack file.
        say: shows slow steps while a part is opened.
        command: what was typed, for those who have to wait for it.

    Attributes:
        stop: is set when the command ends early: nobody waits for a lock any more, and work in
            threads ends.
    """

    def __init__(self, loaded: LoadedStack, say: Callable[[str], None], command: str = "") -> None:
        self.loaded = loaded
        self._say = say
        self._typed = command
        self._locks: dict[str, Lease] = {}
        self._built: Pipeline | None = None
        self.stop = threading.Event()

    @property
    def config(self) -> StackConfig:
        return self.loaded.config

    @cached_property
    def cache(self) -> Path:
        """The folder that may be deleted at any time."""
        return self.loaded.path(self.config.cache_dir)

    @property
    def starter_file(self) -> Path:
        """Where the weights called ``starter`` are kept."""
        return self.cache / "weights" / "mobilenet_v2-starter.pt"

    @property
    def embedding_copies(self) -> Path:
        """Where copies of embeddings are kept that lie in a bucket."""
        return self.cache / "embeddings"

    @cached_property
    def daemon(self) -> Daemon | None:
        """The local server; ``None`` when someone else runs the server."""
        if self.config.label_studio.url:
            return None
        from annolooop.labelstudio.server.daemon import Daemon
        from annolooop.storage.images import IMAGES

        store = None if self.cloud else self._store_folder
        links = (IMAGES, ANNOTATIONS) if self.config.store.export_annotations else (IMAGES,)
        variables = self.cloud.server_variables() if self.cloud else {}
        return Daemon.open(self.loaded, self.cache, store, links, variables)

    @cached_property
    def studio(self) -> Studio:
        """The Label Studio server, ours or someone else's.

        Raises:
            UnreachableError: ours does not run, or not as the stack file says.
            ConfigError: its login is lost.
        """
        from annolooop.labelstudio.open import open_studio

        sections = (self.config.s3, self.config.gcs, self.config.azure)
        buckets = [section.endpoint for section in sections if section.endpoint]
        # A bucket that browsers ask themselves knows the usual names of this machine only.
        signed = bool(self.cloud) and self.config.store.images == "presign"
        return open_studio(self.config.label_studio, self.daemon, buckets, own_name=not signed)

    @cached_property
    def store(self) -> ArtifactStore:
        """The artifact store."""
        from annolooop.storage.artifacts.store import ArtifactStore

        if self.cloud is None:
            return ArtifactStore(str(self._store_folder))
        return ArtifactStore(self.config.store.url, self.cloud.provider(), self.cloud.unshown)

    @cached_property
    def cloud(self) -> Cloud | None:
        """The cloud that the store is in; ``None`` for a folder."""
        return open_cloud(self.config, self.loaded.path)

    @cached_property
    def catalog(self) -> ImageCatalog:
        """The images of the dataset."""
        return self.catalog_of(self.config.dataset.name)

    def catalog_of(self, dataset: str) -> ImageCatalog:
        """The images of any dataset."""
        from annolooop.storage.images import ImageCatalog, series_of
        from annolooop.storage.index import index_file

        file = index_file(self.cache / "manifests", series_of(self.store, dataset))
        return ImageCatalog(self.store, dataset, file)

    @cached_property
    def task_index(self) -> TaskIndex:
        """The tasks that Label Studio has confirmed; see :mod:`annolooop.loop.push.plan`."""
        from annolooop.storage.index import index_file
        from annolooop.storage.tasks import TaskIndex, task_series

        name = self.config.dataset.name
        file = index_file(self.cache / "ledgers", task_series(self.store, name))
        return TaskIndex(self.store, name, file)

    @cached_property
    def file_hashes(self) -> FileHashes:
        """Hashes of files of this machine that were read before."""
        from annolooop.storage.file_hashes import FileHashes

        return FileHashes(self.cache / "file-hashes.sqlite")

    @cached_property
    def snapshots(self) -> Snapshots:
        """The history of the dataset's annotations."""
        return self.snapshots_of(self.config.dataset.name)

    def owns(self, dataset: str) -> bool:
        """Whether it is the stack file's dataset, which `train`, `infer` and `sync` are about."""
        return dataset == self.config.dataset.name

    def snapshots_of(self, dataset: str) -> Snapshots:
        """The history of any dataset's annotations."""
        from annolooop.storage.snapshots import Snapshots

        return Snapshots(self.store, dataset)

    @cached_property
    def registry(self) -> Registry:
        """The dataset's model versions."""
        return self.registry_of(self.config.dataset.name)

    def registry_of(self, dataset: str) -> Registry:
        """The model versions of any dataset."""
        from annolooop.storage.registry import Registry

        return Registry(self.store, dataset, self.cache / "backbones")

    @cached_property
    def image_source(self) -> LocalImages | BucketImages:
        """How Label Studio shows the store's images."""
        from annolooop.labelstudio.image_source import BucketImages, LocalImages
        from annolooop.storage.images import IMAGES

        if cloud := self.cloud:
            store = self.config.store
            return BucketImages(
                kind=cloud.kind,
                scheme=cloud.address,
                bucket_field=cloud.bucket_field,
                bucket=cloud.bucket,
                prefix=cloud.prefix,
                presign=store.images == "presign",
                presign_minutes=store.presign_minutes,
                settings=cloud.image_settings,
                advice=cloud.advice,
            )
        prefix = urlsplit(self.config.label_studio.url or "").path
        return LocalImages(*self._as_served(), IMAGES, prefix)

    @cached_property
    def annotation_export(self) -> AnnotationExport:
        """The copy of each annotation that Label Studio writes to the store, or none."""
        from annolooop.labelstudio.image_source import AnnotationExport

        enabled, daemon = self.config.store.export_annotations, self.daemon
        if daemon and daemon.links and (enabled or daemon.document_root.is_dir()):
            from annolooop.labelstudio.server.document_root import link_folders

            link_folders(daemon.document_root, daemon.links)  # one for the annotations, or none
        if not enabled:
            return AnnotationExport(enabled=False)
        prefix = f"{ANNOTATIONS}/{self.config.dataset.name}"
        if cloud := self.cloud:
            place = {cloud.bucket_field: cloud.bucket, "prefix": cloud.in_bucket(prefix)}
            return AnnotationExport(True, cloud.kind, {**place, **cloud.server_settings})
        make_folder(self._store_folder / prefix, shared=True)
        _, folder = self._as_served()
        return AnnotationExport(True, "localfiles", {"path": str(folder / prefix)})

    def _as_served(self) -> tuple[Path, Path]:
        """Label Studio's document root, and the store as it sees it: there, or below there."""
        from annolooop.storage.images import IMAGES

        if self.daemon:
            return self.daemon.document_root, self.daemon.document_root
        named, store = self.config.label_studio.document_root, self._store_folder
        root = self.loaded.path(named) if named else store
        linked = (root / IMAGES).resolve() == (store / IMAGES).resolve()
        return root, root if linked else store

    def lock_idle(self) -> int | None:
        """State of the dataset's lock while nobody holds it; see :class:`Lease`."""
        from annolooop.storage.lease import Lease

        return Lease(self.store, self.config.dataset.name, 0, self._say).idle()

    @contextmanager
    def lock(self, what: str, dataset: str = "") -> Iterator[Lease]:
        """Keep other commands from writing to a dataset in Label Studio; may be nested.

        Args:
            what: shown to those who wait, where no command was typed.
            dataset: default: that of the stack file.

        Raises:
            UnreachableError: someone else held it for ``store.lock_timeout`` seconds.
        """
        from annolooop.storage.lease import Lease, myself

        name = dataset or self.config.dataset.name
        if name in self._locks:
            yield self._locks[name]
            return
        timeout = self.config.store.lock_timeout
        lock = Lease(self.store, name, timeout, self._say, stop=self.stop)
        try:
            lock.acquire(myself(self._typed or what, self.person))
            self._locks[name] = lock
            yield lock
        finally:
            self._locks.pop(name, None)
            lock.release()

    def embeddings(self, info: BackboneInfo) -> Embeddings:
        """Kept embeddings of one backbone and transform."""
        from annolooop.storage.embeddings.embeddings import Embeddings, embedding_set_of

        exact = self.config.infer.precision == "fp32"
        about = {
            "backbone": info.name,
            "fingerprint": info.fingerprint,
            "transform": info.transform,
        }
        opened = Embeddings(self.store, embedding_set_of(info), self.embedding_copies, exact, about)
        opened.load()
        return opened

    def build_pipeline(self, hub_limit: float | None = None) -> Pipeline:
        """The pretrained backbone that the stack file asks for.

        Args:
            hub_limit: seconds after which a download of its weights is given up.

        Raises:
            ConfigError: there is no such backbone, or no such weights.
            UnreachableError: the weights could not be downloaded.
        """
        with keeping_interrupts():
            from annolooop.model.backbones.open import build_pipeline

        if self._built is None:
            weights = self._local_weights(self.config.model.weights)
            file = self.starter_file
            self._built = build_pipeline(self.config, weights, file, self._say, hub_limit)
        return self._built

    def restore_pipeline(self, info: BackboneInfo) -> Pipeline:
        """The backbone of a registered model version, from its kept weights.

        Raises:
            DataError: they are damaged.
        """
        if self._built and self._built.info == info:
            return self._built
        with keeping_interrupts():
            from annolooop.model.backbones.open import restore_pipeline

        return restore_pipeline(self.config.infer, info, self.registry.backbone(info))

    @cached_property
    def person(self) -> str:
        """Who types, for the record."""
        return f"{getpass.getuser()}@{platform.node()}"

    @property
    def _store_folder(self) -> Path:
        return self.loaded.path(self.config.store.url)

    def _local_weights(self, weights: str) -> str:
        """A local file for weights that are kept in the store, or that are a relative path."""
        key = weights.removeprefix("store:")
        if key != weights:
            try:
                data = self.store.get(key)
            except KeyError:
                raise ConfigError(
                    f"model.weights: the store has no {key}",
                    f"Put the file there: {self.store.url}/{key}",
                ) from None
            copy = (
                self.cache / "weights" / f"{hashlib.sha256(data).hexdigest()[:16]}-{Path(key).name}"
            )
            make_folder(copy.parent)
            with replacing(copy) as part:
                part.write_bytes(data)
            return str(copy)
        file = self.loaded.path(weights)
        return str(file) if file.is_file() else weights
