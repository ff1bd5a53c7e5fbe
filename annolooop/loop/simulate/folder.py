"""A folder of labelled images: a folder inside it for each label, perhaps in parts for testing."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from annolooop.domain.progress import Track
from annolooop.errors import DataError, UsageError
from annolooop.storage.artifacts.folder import files_below

TRAINING = frozenset({"train", "training"})
VALIDATION = frozenset({"val", "valid", "validation", "dev"})
TEST = frozenset({"test", "testing"})


@dataclass(frozen=True)
class LabelledFolder:
    """Files of a folder, each content once.

    Attributes:
        files: content hash -> a file.
        labels: content hash -> its label.
        names: the labels, sorted.
        left_out: files with reasons.
        tested: contents of the part for testing; ``None`` where the folder has no parts.
    """

    files: dict[str, Path]
    labels: dict[str, str]
    names: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    tested: frozenset[str] | None = None


def read_folder(folder: Path, track: Track) -> LabelledFolder:
    """Files in folders that are named like their labels.

    Where all folders are named like parts of a split (``train``, ``validation``, ``test``) and hold
    folders, those inside are the labels, and ``test``, or else the validation part, is for testing.

    Raises:
        UsageError: there is no such folder.
        DataError: it does not have two folders with files.
    """
    if not folder.is_dir():
        raise UsageError(
            f"--images {folder}: there is no such folder", "Name a folder that exists."
        )
    skipped: list[tuple[str, str]] = []
    parts = _parts(folder)
    testing = next((p for names in (TEST, VALIDATION) for p in parts if _plain(p) in names), None)
    inside = sorted(parts, key=lambda part: part != testing) or [folder]
    pairs = [pair for part in inside for pair in _files(part, skipped)]
    files: dict[str, Path] = {}
    labels: dict[str, str] = {}
    conflicting: set[str] = set()
    for label, file in track(pairs, "read", len(pairs)):
        try:
            sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as error:
            skipped.append((str(file), error.strerror or str(error)))
            continue
        if labels.setdefault(sha256, label) != label:
            conflicting.add(sha256)
            skipped.append((str(file), f"has the same content as {files[sha256]}, another label"))
        files.setdefault(sha256, file)
    for sha256 in conflicting:
        skipped.append((str(files.pop(sha256)), "has two labels"))
        del labels[sha256]
    names = tuple(sorted(set(labels.values())))
    require_two(folder, names)
    tested = {h for h, file in files.items() if testing and file.is_relative_to(testing)}
    return LabelledFolder(
        files, labels, names, tuple(skipped), frozenset(tested) if testing else None
    )


def _parts(folder: Path) -> list[Path]:
    """The parts of a split, where the folder consists of them."""
    inner = _folders(folder)
    if not {_plain(part) for part in inner} <= TRAINING | VALIDATION | TEST:
        return []
    try:
        return inner if all(_folders(part) for part in inner) else []
    except OSError:  # is named later
        return []


def _plain(part: Path) -> str:
    return part.name.casefold()


def _folders(folder: Path) -> list[Path]:
    return sorted(f for f in folder.iterdir() if f.is_dir() and not f.name.startswith("."))


def require_two(folder: Path, names: Sequence[str]) -> None:
    """Raise a DataError for fewer than two labels."""
    if len(names) < 2:
        raise DataError(
            f"{folder} has images of {len(names)} label{'s' if not names else ''}; a replay needs "
            "two or more",
            "Put the images of each label into a folder of their own there, named like the label.",
        )


def names_of(folder: LabelledFolder, hashes: Iterable[str]) -> tuple[str, ...]:
    """The labels of some contents, sorted."""
    return tuple(sorted({folder.labels[sha256] for sha256 in hashes}))


def _files(folder: Path, skipped: list[tuple[str, str]]) -> Iterator[tuple[str, Path]]:
    """Label and file, of all files in folders below one; appends what could not be read."""

    def hidden(path: str) -> bool:
        return path.split("/")[-1].startswith(".")

    for inner in _folders(folder):

        def lost(path: str, why: str, inner: Path = inner) -> None:
            skipped.append((str(inner / path), why))

        try:
            for name, _ in files_below(str(inner), hidden, lambda link: True, lost):
                yield inner.name, inner / name
        except OSError as error:
            skipped.append((str(inner), error.strerror or str(error)))
