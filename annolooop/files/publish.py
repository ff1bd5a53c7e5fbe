"""A file or folder appears under its name when all of it is written, and not before."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

from filelock import FileLock, Timeout

from annolooop.errors import UnreachableError, UsageError

MANIFEST = "annoloop-export.json"  # in an exported folder, or after the name of an exported file
WRITER = "annoloop dataset export"


@dataclass
class Draft:
    """What is being written.

    Attributes:
        path: where to write: a folder that exists, or a file that does not.
        manifest: what is written about it.
    """

    path: Path
    manifest: dict[str, Any] = field(default_factory=dict)


def check_target(out: Path, folder: bool, overwrite: bool) -> None:
    """Refuse a place that may not be written to, before any work is done.

    Raises:
        UsageError: it exists and is not an export, or ``overwrite`` is missing; or the folder that
            it belongs into does not exist.
    """
    check_parent(out)
    if out.is_symlink():
        raise UsageError(
            f"--out {out} is a link to {out.readlink()}", "Name the place itself, or another one."
        )
    if not out.exists() or (folder and out.is_dir() and not any(out.iterdir())):
        return
    if out.is_dir() != folder:
        kind = "a folder" if folder else "a file"
        raise UsageError(f"--out {out}: this format writes {kind}", "Name one that does not exist.")
    if not _is_export(out):
        raise UsageError(
            f"--out {out} exists, and was not written by {WRITER}",
            "Name another place.",
        )
    if not overwrite:
        raise UsageError(f"--out {out} exists", "Replace it: --overwrite")


def check_parent(out: Path) -> None:
    """Refuse a place whose folder does not exist.

    Raises:
        UsageError: it does not.
    """
    folder = out.absolute().parent
    if not folder.is_dir():
        raise UsageError(
            f"--out {out}: the folder {folder} does not exist",
            f"Make it: mkdir -p {quote(str(folder))}",
        )


@contextmanager
def publishing(out: Path, folder: bool, overwrite: bool) -> Iterator[Draft]:
    """Write beside ``out``; when the block ends without an error, that becomes ``out``.

    What a killed run left beside it is removed. A folder is replaced by two renames: after a kill
    between them, the next run puts the old one back.

    Args:
        out: absolute.
        folder: ``out`` is a folder, not a file.
        overwrite: replace an earlier export.

    Raises:
        UsageError: as for :func:`check_target`; or it cannot be written.
        UnreachableError: another process writes it now.
    """
    part, old = (out.with_name(f".{out.name}.annoloop-{what}") for what in ("part", "old"))
    try:
        with _locked(out):
            _restore(out, part, old)
            check_target(out, folder, overwrite)
            try:
                if folder:
                    part.mkdir()
                draft = Draft(part)
                yield draft
                _publish(draft, out, old, folder)
            finally:
                with suppress(OSError):  # which would hide the error of the block
                    _restore(out, part, old)
    except OSError as error:
        raise UsageError(
            f"--out {out} cannot be written: {error.strerror or error}",
            "Name another place, or make room.",
        ) from error


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    file = out.with_name(f".{out.name}.annoloop-lock")
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UnreachableError(
            f"another process writes --out {out} now", "Wait for its end, or name another place."
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):
            file.unlink(missing_ok=True)
        lock.release()


def _publish(draft: Draft, out: Path, old: Path, folder: bool) -> None:
    manifest = json.dumps({"written_by": WRITER, **draft.manifest}, ensure_ascii=False, indent=2)
    if not folder:
        # First: a file without one could not be replaced later.
        beside = draft.path.with_name(f"{draft.path.name}.json")
        beside.write_text(manifest + "\n", encoding="utf-8")
        beside.replace(_manifest(out))
        draft.path.replace(out)
        return
    (draft.path / MANIFEST).write_text(manifest + "\n", encoding="utf-8")
    if out.exists():
        out.rename(old)
    draft.path.rename(out)


def _restore(out: Path, part: Path, old: Path) -> None:
    """Remove what is unfinished; of a replacement that was not completed, put the old one back."""
    if old.exists() and not out.exists():
        old.rename(out)
    for left in (part, part.with_name(f"{part.name}.json"), old):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink(missing_ok=True)


def _manifest(out: Path) -> Path:
    return out / MANIFEST if out.is_dir() else out.with_name(f"{out.name}.{MANIFEST}")


def _is_export(out: Path) -> bool:
    with suppress(OSError, ValueError, RecursionError):
        manifest = json.loads(_manifest(out).read_text(encoding="utf-8"))
        return isinstance(manifest, dict) and manifest.get("written_by") == WRITER
    return False
