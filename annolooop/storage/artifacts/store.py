"""The artifact store: named bytes in a folder, or over fsspec in a bucket."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from typing import Any, TypeVar

from annolooop.errors import DataError, UnreachableError
from annolooop.files.whole import PART, is_abandoned, write_file
from annolooop.storage.artifacts.folder import Folder, file_or_below
from annolooop.storage.artifacts.reading import prefetch_objects

T = TypeVar("T")
Listed = tuple[str, int, str]  # an object: its path in the file system, size, etag

REQUESTS_AT_ONCE = 32  # requests to a bucket
PAGE = 5000  # objects that one request lists; some clouds list fewer
MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


def is_key(name: str) -> bool:
    """Whether an object of this name can be reached; a bucket may hold some that cannot."""
    return "\0" not in name and not {"", ".", ".."} & set(name.split("/"))


def _exists(error: BaseException) -> bool:
    return isinstance(error, FileExistsError)


@dataclass(frozen=True)
class Provider:
    """Whose store it is.

    Attributes:
        file_system: of fsspec; it also has ``pages``, which lists what is below a
            path, or at it if there is nothing below, page by page, as :data:`Listed`; its second
            argument is how many to ask for at a time.
        failures: what it raises where it cannot do something.
        is_taken: whether such an error says that there is an object of this name already.
        explain: message and hint of such an error, if there is more to say than its text.
        content_type: arguments of ``pipe_file`` that name the kind of a file.
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
        self._provider = provider or Provider(Folder())
        self._fs = self._provider.file_system
        self._root = str(self._fs._strip_protocol(url)).rstrip("/")
        self.url = url
        self.unshown = unshown or {}

    @property
    def local_path(self) -> Path | None:
        """The folder, where the store is one on this machine."""
        return Path(self._root) if isinstance(self._fs, Folder) else None

    def place(self, key: str) -> str:
        """Where other programs find an object: a path of this machine, or an address."""
        return str(self.local_path / key) if self.local_path else f"{self.url}/{key}"

    @property
    def at_once(self) -> int:
        """How many requests pay at a time: of a folder of this machine, one."""
        return 1 if self.local_path else REQUESTS_AT_ONCE

    def get(self, key: str) -> bytes:
        """Read an object."""
        try:
            return bytes(self._fs.cat_file(self._full(key)))
        except MISSING:
            raise KeyError(key) from None
        except self._provider.failures as error:
            raise self._failed("read", key, error) from error

    def get_each(
        self,
        items: Iterable[T],
        key_of: Callable[[T], str | None],
        size_of: Callable[[T], int | None] = lambda item: None,
    ) -> Iterator[tuple[T, bytes | KeyError | None]]:
        """Read the objects of many items, many of them ahead of their turn.

        Of a bucket, memory holds at most 64 of them, and about 256 MB.

        Args:
            items: in their order.
            key_of: an item's key; ``None`` where nothing has to be read.
            size_of: bytes of its object, where that is known; else it is taken to be as large as
                those that came.

        Yields:
            Each item with its object; with a ``KeyError`` if that is not there, or ``None``.
        """
        asked = ((item, key_of(item)) for item in items)
        if self.at_once == 1:
            for item, key in asked:
                yield item, None if key is None else self._get_or_error(key)
            return
        yield from prefetch_objects(self._get_group, asked, size_of)

    def require(self, key: str) -> bytes:
        """Read an object that another one names.

        Raises:
            DataError: it is not there.
        """
        try:
            return self.get(key)
        except KeyError:
            raise self.lost(key) from None

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
            info = self._fs.info(self._full(key))
        except FileNotFoundError:
            raise KeyError(key) from None
        except self._provider.failures as error:
            raise self._failed("read", key, error) from error
        return StoredObject(key, int(info["size"]), _etag(info))

    def put(self, key: str, data: bytes) -> None:
        """Write an object, replacing what was there: at no moment is it half-written."""
        self._write(key, data, replace=True)

    def put_new(self, key: str, data: bytes) -> bool:
        """Write an object unless one of this key exists, as one step.

        Returns:
            Whether it was written: of several writers, by one.
        """
        return self._write(key, data, replace=False)

    def walk(self, prefix: str) -> Iterator[StoredObject]:
        """Objects below a prefix, or at it; the empty one is all. Missing prefixes hold none.

        They come as they are listed, never all at once: by key, but for some servers that only
        speak the language of S3.

        What a writer that was killed left half-written long ago is removed on the way.
        """
        path = self._full(prefix) if prefix else self._root
        try:
            if self.local_path:
                yield from self._walk_folder(path)
                return
            for page in self._pages(path):
                for name, size, etag in page:
                    if not name.endswith(PART):
                        yield StoredObject(name[len(self._root) + 1 :], size, etag)
        except (FileNotFoundError, NotADirectoryError):
            return
        except self._provider.failures as error:
            folder = getattr(error, "filename", None) if self.local_path else None
            place = str(folder).rstrip("/") if folder else prefix
            raise self._failed("list", place, error) from error

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

    def _full(self, key: str) -> str:
        if not is_key(key):
            raise DataError(
                f"{key!r} is not a key of the artifact store", "Use plain relative keys."
            )
        return f"{self._root}/{key}"

    def _walk_folder(self, path: str) -> Iterator[StoredObject]:
        for key, info in file_or_below(self._root, path[len(self._root) + 1 :]):
            if not key.endswith(PART):
                yield StoredObject(key, info.st_size, f"{info.st_size}-{info.st_mtime}")
            elif is_abandoned(key.rpartition("/")[2], info.st_mtime):
                Path(self._root, key).unlink(missing_ok=True)

    def _pages(self, path: str) -> Iterator[list[Listed]]:
        from fsspec.asyn import sync  # slow to load, and no folder needs it

        pages = self._fs.pages(path, PAGE)
        while (page := sync(self._fs.loop, _next, pages)) is not None:
            yield page

    def _get_or_error(self, key: str) -> bytes | KeyError:
        try:
            return self.get(key)
        except KeyError as error:
            return error

    def _get_group(
        self, asked: list[tuple[T, str | None]]
    ) -> list[tuple[T, bytes | KeyError | None]]:
        keys = [key for _, key in asked if key is not None]
        paths = [self._full(key) for key in keys]
        # Whole objects; `cat` would take some names for patterns.
        contents = self._fs.cat_ranges(paths, None, None, on_error="return") if paths else []
        read = dict(zip(keys, contents, strict=True))
        answers: list[tuple[T, bytes | KeyError | None]] = []
        for item, key in asked:
            data = None if key is None else read[key]
            if isinstance(data, MISSING):
                data = KeyError(key)
            elif key is not None and isinstance(data, self._provider.failures):
                raise self._failed("read", key, data) from data
            elif isinstance(data, BaseException):
                raise data
            answers.append((item, data))
        return answers

    def _write(self, key: str, data: bytes, replace: bool) -> bool:
        try:
            if isinstance(self._fs, Folder):
                return write_file(Path(self._full(key)), data, replace)
            mode = "overwrite" if replace else "create"
            kind = guess_type(key)[0] or "application/octet-stream"
            named = self._provider.content_type(kind)
            self._fs.pipe_file(self._full(key), data, mode=mode, **named)
            return True
        except self._provider.failures as error:
            if not replace and self._provider.is_taken(error):
                # By ourselves, if it was tried again because the first answer was lost.
                return self._get_or_error(key) == data
            raise self._failed("write", key, error) from error

    def lost(self, key: str) -> DataError:
        """The error for an object that should be there."""
        return DataError(
            f"{key} is missing in the artifact store {self.url}",
            "It was removed: put it back from a backup.",
        )

    def damaged(self, key: str, why: str, fix: str = "Put it back from a backup.") -> DataError:
        """The error for an object that does not hold what it should."""
        return DataError(f"{key} in the artifact store {self.url} is damaged: {why}", fix)

    def _failed(self, verb: str, key: str, error: Exception) -> UnreachableError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        hint = "Check that it is there, writable and not full, then type the same command again."
        reason, hint = self._provider.explain(error) or (reason, hint)
        return UnreachableError(
            f"the artifact store {self.url} cannot {verb} {key}: {reason}", hint
        )


async def _next(pages: AsyncIterator[list[Listed]]) -> list[Listed] | None:
    async for page in pages:
        return page
    return None


def _etag(info: dict[str, Any]) -> str:
    if "mtime" in info:  # a local file
        return f"{info['size']}-{info['mtime']}"
    return str(info.get("ETag") or info.get("etag") or "")
