"""The artifact store: named bytes in a folder or bucket, over fsspec."""

import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from annolooop.errors import DataError, UnreachableError
from annolooop.files import PART, is_litter, part_of


def _exists(error: BaseException) -> bool:
    return isinstance(error, FileExistsError)


@dataclass(frozen=True)
class Provider:
    """Whose store it is.

    Attributes:
        file_system: of fsspec.
        failures: what it raises where it cannot do something.
        is_taken: whether such an error says that the name of a new object is given already.
        explain: message and hint of such an error, if there is more to say than its text.
        content_type: how ``pipe_file`` is told what kind of file it writes.
    """

    file_system: Any
    failures: tuple[type[Exception], ...] = (OSError,)
    is_taken: Callable[[BaseException], bool] = _exists
    explain: Callable[[Exception], tuple[str, str] | None] = lambda error: None
    content_type: Callable[[str], dict[str, Any]] = lambda kind: {}


@dataclass(frozen=True)
class StoredObject:
    """One object: key, size in bytes, and a tag that changes when its content does."""

    key: str
    size: int
    etag: str


class ArtifactStore:
    """Bytes by key, below one root. Keys use ``/`` and may hold any other character.

    Reading a key that is not there raises :class:`KeyError`; anything else that goes wrong
    raises :class:`UnreachableError`.

    Args:
        url: a folder, or an address in a bucket.
        provider: whose bucket it is.
        unshown: characters of keys for which nobody can be shown an image, each with the reason.
    """

    def __init__(
        self, url: str, provider: Provider | None = None, unshown: Mapping[str, str] | None = None
    ) -> None:
        self._provider = provider or Provider(LocalFileSystem())
        self._fs = self._provider.file_system
        self._root = str(self._fs._strip_protocol(url)).rstrip("/")
        self.url = url
        self.unshown = unshown or {}

    @property
    def local_path(self) -> Path | None:
        """The folder, where the store is one on this machine."""
        return Path(self._root) if isinstance(self._fs, LocalFileSystem) else None

    def get(self, key: str) -> bytes:
        """Read an object."""
        try:
            return bytes(self._fs.cat_file(self._full(key)))
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise KeyError(key) from None
        except self._provider.failures as error:
            raise self._failed("read", key, error) from error

    def require(self, key: str) -> bytes:
        """Read an object that another one names.

        Raises:
            DataError: it is not there.
        """
        try:
            return self.get(key)
        except KeyError:
            raise self._lost(key) from None

    def get_json(self, key: str) -> Any:
        """Read an object that holds JSON.

        Raises:
            DataError: it holds something else.
        """
        try:
            return json.loads(self.get(key))
        except ValueError as error:
            raise DataError(
                f"{key} in the artifact store {self.url} is damaged: it is not JSON",
                "Put it back from a backup.",
            ) from error

    def require_json(self, key: str) -> Any:
        """Read an object that another one names, and that holds JSON.

        Raises:
            DataError: it is not there, or holds something else.
        """
        try:
            return self.get_json(key)
        except KeyError:
            raise self._lost(key) from None

    def exists(self, key: str) -> bool:
        """Whether there is an object of this key."""
        try:
            # Not isfile, which takes each failure for a no.
            return bool(self._fs.info(self._full(key))["type"] == "file")
        except (FileNotFoundError, NotADirectoryError):
            return False
        except self._provider.failures as error:
            raise self._failed("read", key, error) from error

    def info(self, key: str) -> StoredObject:
        """Size and etag of an object; KeyError when there is none."""
        try:
            found = self._fs.info(self._full(key))
        except FileNotFoundError:
            raise KeyError(key) from None
        except self._provider.failures as error:
            raise self._failed("read", key, error) from error
        return StoredObject(key, int(found["size"]), _etag(found))

    def put(self, key: str, data: bytes) -> None:
        """Write an object, replacing what was there: at no moment is it half-written."""
        self._write(key, data, replace=True)

    def put_new(self, key: str, data: bytes) -> bool:
        """Write an object unless one of this key exists, as one step.

        Returns:
            Whether it was written; of several writers one is told so.
        """
        return self._write(key, data, replace=False)

    def walk(self, prefix: str) -> Iterator[StoredObject]:
        """Objects below a prefix, by key; the empty one is all. Missing prefixes hold none.

        What a writer that was killed left half-written long ago is removed on the way.
        """
        try:
            found: dict[str, Any] = self._fs.find(
                self._full(prefix) if prefix else self._root, detail=True
            )
        except (FileNotFoundError, NotADirectoryError):
            return
        except self._provider.failures as error:
            raise self._failed("list", prefix, error) from error
        for path in sorted(found):
            info = found[path]
            if "mtime" in info and is_litter(path.rpartition("/")[2], info["mtime"]):
                Path(path).unlink(missing_ok=True)
            if path.endswith(PART) or info["type"] != "file":
                continue
            yield StoredObject(path[len(self._root) + 1 :], int(info["size"]), _etag(info))

    def delete(self, key: str) -> None:
        """Remove an object, if it is there."""
        try:
            self._fs.rm_file(self._full(key))
        except FileNotFoundError:
            pass
        except self._provider.failures as error:
            raise self._failed("delete", key, error) from error

    def delete_below(self, prefix: str) -> None:
        """Remove everything below a prefix; begun and not ended, it may be begun again."""
        try:
            self._fs.rm(self._full(prefix), recursive=True)
        except FileNotFoundError:
            pass
        except self._provider.failures as error:
            raise self._failed("delete", prefix, error) from error

    def append(self, prefix: str, data: bytes) -> int:
        """Write the next of a numbered series that only grows.

        Returns:
            Its number, from 1. Two writers at the same moment get two numbers.
        """
        number = max(self.numbers(prefix), default=0) + 1
        while not self.put_new(numbered(prefix, number), data):
            number += 1
        return number

    def numbers(self, prefix: str) -> list[int]:
        """The numbers of a series, ascending."""
        names = (item.key.rpartition("/")[2].removesuffix(".json") for item in self.walk(prefix))
        return sorted(int(name) for name in names if name.isdigit())

    def _full(self, key: str) -> str:
        parts = key.split("/")
        if not key or any(part in ("", ".", "..") for part in parts):
            raise DataError(
                f"{key!r} is not a key of the artifact store", "Use plain relative keys."
            )
        return f"{self._root}/{key}"

    def _write(self, key: str, data: bytes, replace: bool) -> bool:
        try:
            if isinstance(self._fs, LocalFileSystem):
                return _write_file(Path(self._full(key)), data, replace)
            mode = "overwrite" if replace else "create"
            kind = guess_type(key)[0] or "application/octet-stream"
            told = self._provider.content_type(kind)
            self._fs.pipe_file(self._full(key), data, mode=mode, **told)
            return True
        except self._provider.failures as error:
            if not replace and self._provider.is_taken(error):
                return False
            raise self._failed("write", key, error) from error

    def _lost(self, key: str) -> DataError:
        return DataError(
            f"the artifact store {self.url} lacks {key}",
            "Something removed it: put it back from a backup.",
        )

    def _failed(self, verb: str, key: str, error: Exception) -> UnreachableError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        hint = "Check that it is there, writable and not full, then type the same command again."
        reason, hint = self._provider.explain(error) or (reason, hint)
        return UnreachableError(
            f"the artifact store {self.url} cannot {verb} {key}: {reason}", hint
        )


def numbered(prefix: str, number: int) -> str:
    """Key of one object of a numbered series."""
    return f"{prefix}/{number:06d}.json"


def _etag(info: dict[str, Any]) -> str:
    if "mtime" in info:  # a local file
        return f"{info['size']}-{info['mtime']}"
    return str(info.get("ETag") or info.get("etag") or "")


def _write_file(path: Path, data: bytes, replace: bool) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not replace and path.exists():
        return False
    part = part_of(path)
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            part.replace(path)
            return True
        return _publish(part, path)
    finally:
        part.unlink(missing_ok=True)


def _publish(part: Path, path: Path) -> bool:
    """Give a finished file its name, unless the name is taken; as one step."""
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    except OSError:
        # A file system without hard links: claim the name, then fill it at once.
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR))
        except FileExistsError:
            return False
        part.replace(path)
    return True
