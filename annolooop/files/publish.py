"""Give what was written its name when all of it is there, and not before."""

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
        path: where to write: a folder that is there, or a file that is not.
        manifest: what to say of it.
    """

    path: Path
    manifest: dict[str, Any] = field(default_factory=dict)


def check_target(out: Path, folder: bool, overwrite: bool) -> None:
    """Refuse a place that may not be written to, before any work is done.

    Raises:
        UsageError: it is taken, by something else than an export or without ``overwrite``; or the
            folder that it belongs into is not there.
    """
    check_parent(out)
    if not out.exists() or (folder and out.is_dir() and not any(out.iterdir())):
        return
    if out.is_dir() != folder:
        kind = "a folder" if folder else "a file"
        raise UsageError(f"--out {out}: this format writes {kind}", "Name one that is not there.")
    if not _is_export(out):
        raise UsageError(
            f"--out {out} is there already, and was not written by {WRITER}",
            "Name something that is not there.",
        )
    if not overwrite:
        raise UsageError(f"--out {out} is there already", "Replace it: --overwrite")


def check_parent(out: Path) -> None:
    """Refuse a place whose folder is not there.

    Raises:
        UsageError: it is not.
    """
    folder = out.absolute().parent
    if not folder.is_dir():
        raise UsageError(
            f"--out {out}: the folder {folder} is not there",
            f"Make it: mkdir -p {quote(str(folder))}",
        )


@contextmanager
def publishing(out: Path, folder: bool, overwrite: bool) -> Iterator[Draft]:
    """Write beside ``out``; when the block ends without an error, that becomes ``out``.

    What a run that was killed has left beside it is removed. A folder is replaced by two renames:
    killed between them, the old one is put back by the next run.

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
        with _claimed(out):
            _restore(out, part, old)
            check_target(out, folder, overwrite)
            try:
                if folder:
                    part.mkdir()
                draft = Draft(part)
                yield draft
                _publish(draft, out, old, folder)
            finally:
                _restore(out, part, old)
    except OSError as error:
        raise UsageError(
            f"--out {out} cannot be written: {error.strerror or error}",
            "Name another place, or make room.",
        ) from error


@contextmanager
def _claimed(out: Path) -> Iterator[None]:
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
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink(missing_ok=True)


def _manifest(out: Path) -> Path:
    return out / MANIFEST if out.is_dir() else out.with_name(f"{out.name}.{MANIFEST}")


def _is_export(out: Path) -> bool:
    with suppress(OSError, ValueError):
        read = json.loads(_manifest(out).read_text(encoding="utf-8"))
        return isinstance(read, dict) and read.get("written_by") == WRITER
    return False
