"""Model versions and promotions in the store."""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

from annolooop.domain.versions import (
    BackboneInfo,
    ModelVersion,
    Promotion,
    fingerprint_of,
    version_name,
)
from annolooop.errors import DataError
from annolooop.files.whole import make_folder, replacing
from annolooop.storage.artifacts.prefixes import BACKBONES, MODELS
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.images import content_hash
from annolooop.storage.series import NUMBER, Derived, Series

DERIVED: Derived = {**NUMBER, "name": lambda number, body: version_name(number, body["head"])}


class Registry:
    """Registered checkpoints of one dataset.

    ``models/<dataset>/versions/<n>.json`` records version n and is written once, after the
    weights it names. ``models/<dataset>/promotions/<n>.json`` records each promotion; the
    newest one names the current version. ``backbones/<fingerprint>.safetensors`` is shared by all
    versions.

    Args:
        store, dataset: whose versions.
        copies: local folder for backbones of a bucket; it may be deleted at any time.
    """

    def __init__(self, store: ArtifactStore, dataset: str, copies: Path | None = None) -> None:
        self._store = store
        self._copies = None if store.local_path else copies
        self._heads = f"{MODELS}/{dataset}/heads"
        self._versions: Series[ModelVersion] = Series(
            store, f"{MODELS}/{dataset}/versions", ModelVersion, DERIVED
        )
        self._promotions: Series[Promotion] = Series(
            store, f"{MODELS}/{dataset}/promotions", Promotion
        )

    def current(self) -> ModelVersion | None:
        """The current version, or ``None`` before the first."""
        last = self._promotions.latest()
        return self.version(last.number) if last else None

    def promotions(self) -> list[Promotion]:
        """Every promotion, the newest last."""
        return list(self._promotions.each())

    def versions(self) -> list[ModelVersion]:
        """Every version, by number."""
        return list(self._versions.each())

    def version(self, number: int) -> ModelVersion:
        """A version by number; DataError when there is none, or its record is damaged."""
        return self._versions.read(number)

    def register(self, draft: ModelVersion, head: bytes) -> ModelVersion:
        """Store a head and record a version of it, with the next number.

        The newest version is returned instead if its record is the same, but for the verdict of the
        gate, and it never became current: whoever made it was interrupted, or it was refused.

        Args:
            draft: the record, its ``number``, ``name`` and ``head`` still empty.
            head: the head's weights, a safetensors file.
        """
        key = f"{self._heads}/{content_hash(head)}.safetensors"
        draft = replace(draft, head=key)
        twin = self._unfinished(draft)
        if twin:
            return twin
        self._store.put(key, head)  # not put_new: the object there may be damaged
        number = self._versions.append(draft)
        return replace(draft, number=number, name=version_name(number, key))

    def waiting(self) -> ModelVersion | None:
        """The newest version, if it never became current."""
        last = self._versions.latest()
        if last and any(promotion.number == last.number for promotion in self.promotions()):
            return None
        return last

    def _unfinished(self, draft: ModelVersion) -> ModelVersion | None:
        last = self.waiting()
        if last is None:
            return None
        same = replace(
            draft,
            number=last.number,
            name=last.name,
            created_at=last.created_at,
            created_by=last.created_by,
        )
        return last if _plain(same) == _plain(last) else None

    def promote(self, version: ModelVersion, at: str, by: str) -> None:
        """Make a version current."""
        self._promotions.append(Promotion(version.number, version.name, at, by))

    def head(self, version: ModelVersion) -> bytes:
        """A version's head, a safetensors file; DataError when it is not kept."""
        return self._store.require(version.head)

    def put_backbone(self, fingerprint: str, weights: bytes) -> None:
        """Keep a backbone's weights, a safetensors file, unless they are there."""
        list(self._store.walk(BACKBONES))  # what was left half-written here is large
        try:
            there = content_hash(self.backbone(fingerprint)) == content_hash(weights)
        except DataError:
            there = False
        if not there:
            self._store.put(_backbone_key(fingerprint), weights)

    def intact(self, version: ModelVersion) -> bool:
        """Whether a version's head and backbone are kept, and are what they were."""
        try:
            head = content_hash(self.head(version))
        except DataError:
            return False
        named = version.head.rpartition("/")[2].removesuffix(".safetensors")
        return head == named and self.keeps(version.backbone)

    def keeps(self, info: BackboneInfo) -> bool:
        """Whether a backbone's weights are kept, and are what they were."""
        try:
            return fingerprint_of(info.name, self.backbone(info.fingerprint)) == info.fingerprint
        except DataError:
            return False

    def backbone(self, fingerprint: str) -> bytes:
        """A backbone's weights, a safetensors file; DataError when they are not kept."""
        key = _backbone_key(fingerprint)
        copy = self._copy(key)
        if copy and copy.exists():
            return copy.read_bytes()
        data = self._store.require(key)
        if copy:
            make_folder(copy.parent)
            with replacing(copy) as part:
                part.write_bytes(data)
        return data

    def _copy(self, key: str) -> Path | None:
        """Where the copy of an object is, or belongs; another one when the object is replaced."""
        if self._copies is None:
            return None
        try:
            etag = self._store.info(key).etag
        except KeyError:
            return None
        if not etag:  # nobody knows whether it is the same
            return None
        digest = hashlib.sha256(f"{self._store.url} {key} {etag}".encode()).hexdigest()
        return self._copies / f"{digest[:24]}.safetensors"


def _plain(version: ModelVersion) -> object:
    """What a version's record is after it was written and read, but for the gate's verdict."""
    metrics = {name: value for name, value in version.metrics.items() if name != "gate"}
    return json.loads(json.dumps(asdict(replace(version, metrics=metrics))))


def _backbone_key(fingerprint: str) -> str:
    return f"{BACKBONES}/{fingerprint}.safetensors"
