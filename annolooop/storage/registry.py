"""Model versions and promotions in the store."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Annotated

from annolooop.domain.versions import (
    BackboneInfo,
    Evaluation,
    Finetuning,
    GateVerdict,
    Holdout,
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
from annolooop.storage.records import check_of
from annolooop.storage.series import NUMBER, Derived, Series

DERIVED: Derived = {**NUMBER, "name": lambda number, body: version_name(number, body["head"])}
CHANGED = "its content is not the one that its name tells"
AGAIN = "Put it back from a backup, or make a new version: annoloop train --rerun"
_HEAD = re.compile(r"models/[^/]+/heads/[0-9a-f]{64}\.safetensors")
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")
_TRANSFORM = re.compile(r"\w+ \d+ \d+( [-\d.e]+(,[-\d.e]+){2}){2}", re.ASCII)


@dataclass(frozen=True)
class _Calibration:
    """``metrics["calibration"]``; see :func:`annolooop.model.heads.calibration.calibrate`."""

    temperature: float
    n: int
    ece_before: float | None
    ece_after: float | None
    log_loss_before: float | None
    log_loss_after: float | None


@dataclass(frozen=True)
class _Metrics:
    """What the metrics of a version hold."""

    holdout: Holdout
    trained_on: int | None = None
    evaluation: Evaluation | None = None
    cross_validation: dict[str, float | None] | None = None
    calibration: _Calibration | None = None
    finetune: Finetuning | None = None
    gate: GateVerdict | None = None


@dataclass(frozen=True)
class _Config:
    """What the settings of a version hold."""

    backbone: str = ""
    weights: str = ""
    holdout: float = 0
    seed: int = 0
    finetune: str = ""
    epochs: int = 0
    choice: str = ""
    agreement: str = ""


def _checked(version: ModelVersion) -> ModelVersion:
    """A version whose parts are what others take them for; ValueError where they are not."""
    metrics: _Metrics = check_of(_Metrics)(version.metrics)
    check_of(_Config)(version.config)
    backbone = version.backbone
    named = _HEAD.fullmatch(version.head) and _FINGERPRINT.fullmatch(backbone.fingerprint)
    if not named or not _TRANSFORM.fullmatch(backbone.transform):
        raise ValueError
    if evaluation := metrics.evaluation:
        sizes = {len(evaluation.confusion), *map(len, evaluation.confusion)}
        if evaluation.confusion and sizes != {len(version.labels)}:
            raise ValueError
    return version


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
            store, f"{MODELS}/{dataset}/versions", Annotated[ModelVersion, _checked], DERIVED
        )
        self._promotions: Series[Promotion] = Series(
            store, f"{MODELS}/{dataset}/promotions", Promotion, witnessed=True
        )

    def current(self) -> ModelVersion | None:
        """The current version, or ``None`` before the first.

        Raises:
            DataError: the newest promotion is damaged or missing, or the version is.
        """
        last = self._newest()
        return self.version(last.number) if last else None

    def promotions(self) -> list[Promotion]:
        """Every promotion, the newest last; errors as :meth:`current`'s."""
        return list(self._promotions.each()) if self._newest() else []

    def _newest(self) -> Promotion | None:
        try:
            return self._promotions.latest()
        except DataError as error:
            raise DataError(
                error.message,
                "Put it back from a backup, or say which version is current: annoloop model "
                f"promote VERSION, one of {', '.join(f'v{n}' for n in self._versions.numbers())}",
            ) from None

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

    def refused(self, current: ModelVersion) -> ModelVersion | None:
        """The newest version, if the gate refused it for the current one."""
        last = self._versions.latest()
        if last is None or last.parent != current.name:
            return None
        refused = last.metrics.get("gate", {}).get("verdict") == "refused"
        return self.waiting() if refused else None

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
        """A version's head, a safetensors file.

        Raises:
            DataError: it is not kept, or its bytes are not those that its name tells.
        """
        data = self._store.require(version.head)
        if content_hash(data) != PurePosixPath(version.head).stem:
            raise self._store.damaged(version.head, CHANGED, AGAIN)
        return data

    def damaged(self, version: ModelVersion) -> DataError:
        """The error for a version's record that does not fit its head."""
        return self._versions.damaged(version.number, "it does not fit its head")

    def put_backbone(self, info: BackboneInfo, weights: bytes) -> None:
        """Keep a backbone's weights, a safetensors file, unless they are there."""
        list(self._store.walk(BACKBONES))  # what was left half-written here is large
        if not self.keeps(info):
            self._store.put(_backbone_key(info), weights)

    def intact(self, version: ModelVersion) -> bool:
        """Whether a version's head and backbone are kept, and are what they were."""
        try:
            self.head(version)
        except DataError:
            return False
        return self.keeps(version.backbone)

    def keeps(self, info: BackboneInfo) -> bool:
        """Whether a backbone's weights are kept, and are what they were."""
        try:
            self.backbone(info)
        except DataError:
            return False
        return True

    def backbone(self, info: BackboneInfo) -> bytes:
        """A backbone's weights, a safetensors file.

        Raises:
            DataError: they are not kept, or are not those that their name tells.
        """
        key = _backbone_key(info)
        copy = self._copy(key)
        if copy and copy.exists():
            data = copy.read_bytes()
            if _is_backbone(data, info):
                return data
        data = self._store.require(key)
        if not _is_backbone(data, info):
            raise self._store.damaged(key, CHANGED, AGAIN)
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


def _is_backbone(data: bytes, info: BackboneInfo) -> bool:
    return fingerprint_of(info.name, data) == info.fingerprint


def _backbone_key(info: BackboneInfo) -> str:
    return f"{BACKBONES}/{info.fingerprint}.safetensors"
