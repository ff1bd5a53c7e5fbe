"""Versioned snapshots of a dataset's annotations, and what they say of each image."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace

from annolooop.domain.annotations import Annotation, Changes, Snapshot
from annolooop.domain.examples import Example
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.artifacts.store import ArtifactStore, numbered


class Snapshots:
    """The history of a dataset's annotations in the store: numbered, never overwritten."""

    def __init__(self, store: ArtifactStore, dataset: str) -> None:
        self._store = store
        self._prefix = f"{DATASETS}/{dataset}/snapshots"

    def numbers(self) -> list[int]:
        """The numbers of the snapshots, ascending."""
        return self._store.numbers(self._prefix)

    def latest(self) -> Snapshot:
        """The newest snapshot; number 0 with no annotations when there is none."""
        numbers = self.numbers()
        return self.read(numbers[-1]) if numbers else Snapshot()

    def read(self, number: int) -> Snapshot:
        """A snapshot by number; DataError when there is none, or it is damaged."""
        read = self._store.require_json(numbered(self._prefix, number))
        annotations = tuple(
            Annotation(**{**row, "labels": tuple(row["labels"]), "shown": tuple(row["shown"])})
            for row in read["annotations"]
        )
        recent = {int(task): moment for task, moment in read.get("recent", {}).items()}
        told = (read["created_at"], read["project"], read["watermark"])
        return Snapshot(number, *told, annotations, recent)

    def raw(self, number: int) -> bytes:
        """A snapshot as it is in the store; DataError when there is none."""
        return self._store.require(numbered(self._prefix, number))

    def write(self, snapshot: Snapshot, after: int) -> Snapshot | None:
        """Store the snapshot that follows number ``after``.

        Returns:
            It, with its number; ``None`` if someone else has stored another one since.
        """
        body = {
            "created_at": snapshot.created_at,
            "project": snapshot.project,
            "watermark": snapshot.watermark,
            "recent": snapshot.recent,
            "annotations": [asdict(annotation) for annotation in snapshot.annotations],
        }
        data = json.dumps(body, ensure_ascii=False).encode()
        if not self._store.put_new(numbered(self._prefix, after + 1), data):
            return None
        return replace(snapshot, number=after + 1)


def compare(old: Snapshot, new: Snapshot) -> Changes:
    """What people did between two snapshots, in tasks."""
    before, after = by_task(old.annotations), by_task(new.annotations)
    return Changes(
        created=len(after.keys() - before.keys()),
        updated=sum(after[task] != before[task] for task in after.keys() & before.keys()),
        deleted=len(before.keys() - after.keys()),
    )


def by_task(annotations: Iterable[Annotation]) -> dict[int, list[Annotation]]:
    """Task id -> its annotations, skips too, in their order."""
    found: dict[int, list[Annotation]] = defaultdict(list)
    for annotation in annotations:
        found[annotation.task].append(annotation)
    return dict(found)


class Disputed(Exception):
    """People give different answers, and the rule asks for one that all give."""

    def __init__(self, answers: Iterable[Sequence[str]]) -> None:
        told = sorted({" + ".join(labels) or "none" for labels in answers})
        super().__init__(f"people disagree: {', '.join(told)}")


def resolve(
    annotations: Iterable[Annotation], choice: str, agreement: str
) -> tuple[str, ...] | None:
    """The labels of one image, out of what people said of it.

    Skips say nothing, nor does an empty annotation with single choice; with multiple choice it
    says "none of the labels". Nor do predictions that were accepted unseen, see
    :func:`find_accepted`. Each annotator has one vote, the latest thing they said. Ground
    truth beats votes; of several, the latest counts.

    Args:
        annotations: of one image, of any number of tasks.
        choice: ``single`` or ``multiple``.
        agreement: ``majority`` (ties go to the latest answer; with multiple choice, label by
            label), ``unanimous`` or ``latest``.

    Returns:
        The labels, sorted; ``None`` when nobody said anything.

    Raises:
        Disputed: answers differ under ``unanimous``.
    """
    said = sorted(
        (
            a
            for a in annotations
            if not a.skipped and not a.accepted and (a.labels or choice == "multiple")
        ),
        key=lambda a: (a.updated_at, a.id),
    )
    truths = [a for a in said if a.ground_truth]
    if truths or agreement == "latest":
        said = (truths or said)[-1:]
    # Later answers replace earlier ones of the same person; nameless ones stand for themselves.
    votes = list({("id", a.id) if a.annotator is None else a.annotator: a for a in said}.values())
    votes.sort(key=lambda a: (a.updated_at, a.id))
    answers = [a.labels if choice == "multiple" else a.labels[:1] for a in votes]
    if not answers:
        return None
    if agreement == "unanimous" and len(set(answers)) > 1:
        raise Disputed(answers)
    if choice == "single":
        counts = Counter(answers)
        most = max(counts.values())
        return next(answer for answer in reversed(answers) if counts[answer] == most)
    chosen = Counter(label for answer in answers for label in answer)
    return tuple(
        sorted(
            label
            for label, n in chosen.items()
            if 2 * n > len(answers) or (2 * n == len(answers) and label in answers[-1])
        )
    )


NOWHERE: Mapping[str, str] = {}


def build_examples(
    annotations: Iterable[Annotation],
    choice: str,
    agreement: str,
    holdout: float,
    sides: Mapping[str, str] = NOWHERE,
) -> tuple[list[Example], dict[str, str]]:
    """Labelled images, one for each content, whatever the number of its keys and tasks.

    Args:
        annotations: of one snapshot.
        choice, agreement: as for :func:`resolve`.
        holdout: share of contents that go to the holdout.
        sides: content hash -> side, of those whose side is recorded; see :func:`side_of`.

    Returns:
        Examples by content hash, and content hash -> reason of images that people disagree about.
        Tasks without an image of the store are left out.
    """
    contents: dict[str, list[Annotation]] = defaultdict(list)
    for annotation in annotations:
        if annotation.sha256:
            contents[annotation.sha256].append(annotation)
    examples: list[Example] = []
    disputed: dict[str, str] = {}
    for sha256, said in sorted(contents.items()):
        try:
            labels = resolve(said, choice, agreement)
        except Disputed as error:
            disputed[sha256] = str(error)
            continue
        if labels is not None:
            key = max(said, key=lambda a: (a.updated_at, a.id)).key
            examples.append(Example(key, sha256, labels, side_of(sha256, holdout, sides)))
    return examples, disputed


def find_accepted(
    annotations: Sequence[Annotation],
    choice: str,
    holdout: float,
    sides: Mapping[str, str] = NOWHERE,
) -> list[Example]:
    """Images whose only label is a prediction that was accepted unseen, by content hash.

    Nothing is learnt from them, and no model is judged by them: they say what a model said. A
    person's answer, also a skip, takes their place.

    Args:
        annotations, choice, holdout, sides: as for :func:`build_examples`.
    """
    said = {a.sha256 for a in annotations if not a.accepted}
    found = {
        a.sha256: Example(a.key, a.sha256, a.labels, side_of(a.sha256, holdout, sides), a.accepted)
        for a in sorted(annotations, key=lambda a: (a.updated_at, a.id))
        if a.sha256 and a.accepted and a.sha256 not in said and (a.labels or choice == "multiple")
    }
    return [found[sha256] for sha256 in sorted(found)]


def count_accepted(annotations: Iterable[Annotation]) -> dict[str, int]:
    """Model version -> annotations that were accepted from it unseen, and are so still."""
    return dict(Counter(a.accepted for a in annotations if a.accepted))


def side_of(sha256: str, holdout: float, sides: Mapping[str, str]) -> str:
    """Side of the split on which a content is: that which is recorded, else that of its hash.

    Args:
        sha256: of the content.
        holdout: share of contents that go to the holdout.
        sides: those that are recorded for this share; see :class:`annolooop.storage.split.Sides`.
    """
    return sides.get(sha256) or split_of(sha256, holdout)


def split_of(sha256: str, holdout: float) -> str:
    """``holdout`` or ``train``, by the hash alone; what counts is :func:`side_of`.

    The first 52 bits of the hash are read as a number in [0, 1).
    """
    return "holdout" if number_of(sha256[:13]) < holdout else "train"


def number_of(digits: str) -> float:
    """Hexadecimal digits, at most 13, as a number in [0, 1)."""
    return float(int(digits, 16) / 16 ** len(digits))


def fingerprint(examples: Iterable[Example]) -> str:
    """Hash of the (content, labels) pairs: it changes when a label is added or corrected."""
    pairs = sorted((example.sha256, example.labels) for example in examples)
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:16]
