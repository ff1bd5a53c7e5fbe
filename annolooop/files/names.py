"""Names of files and folders outside of the store: safe on any file system, and unique."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from annolooop.errors import UsageError

SLASH = "__"  # in the place of a key's slashes
LONGEST = 140  # bytes of a name; some file systems allow 143
FORBIDDEN = set('<>:"/\\|?*')
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def file_names(keys: Iterable[str], prefix: str = "") -> dict[str, str]:
    """Key -> file name, without the prefix that the keys share.

    A name follows from its key alone, so it stays when other images come; only keys that differ
    by nothing but case or Unicode's spelling get other names when they meet.
    """
    return _assign(keys, lambda key, digits: _file_name(key, prefix, digits))


def folder_names(labels: Iterable[str]) -> dict[str, str]:
    """Label -> folder name: the label itself where it is safe."""
    return _assign(labels, _folder_name)


def typed_path(text: str | Path) -> Path:
    """The path that somebody typed; ``~`` is a home.

    Raises:
        UsageError: it is the home of nobody.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UsageError(
            f"{text} begins with the home of nobody", "Write the whole path, or ./ before it."
        ) from None


def safe_name(text: str) -> str:
    """Any text as the name of one file or folder, recognisable, but not unique."""
    text = "".join("_" if _odd(char) else char for char in text)
    if text.startswith("."):
        text = f"_{text[1:]}"
    text = text.rstrip(". ") or "_"
    return f"_{text}" if RESERVED.fullmatch(text) else text


def _assign(texts: Iterable[str], name_of: Callable[[str, int], str]) -> dict[str, str]:
    names = {text: name_of(text, 0) for text in texts}
    for digits in (8, 64):
        counts = Counter(_folded(name) for name in names.values())
        for text, name in names.items():
            if counts[_folded(name)] > 1:
                names[text] = name_of(text, digits)
    return names


def _folded(name: str) -> str:
    """What a file system that ignores case, or how a letter is composed, takes it for."""
    return unicodedata.normalize("NFC", name.casefold())


def _file_name(key: str, prefix: str, digits: int) -> str:
    parts = key.removeprefix(prefix).split("/")
    # Joined, these could be taken for other keys.
    unclear = any(SLASH in part or part != part.strip("_") for part in parts)
    joined = SLASH.join(parts)
    name = safe_name(joined)
    suffix = PurePosixPath(name).suffix
    return _within(key, name.removesuffix(suffix), suffix, unclear or name != joined, digits)


def _folder_name(label: str, digits: int) -> str:
    name = safe_name(label)
    return _within(label, name, "", name != label, digits)


def _within(text: str, stem: str, suffix: str, unclear: bool, digits: int) -> str:
    """A name that is not too long, with a part of the text's hash unless it says all."""
    if digits == 0 and not unclear and len(f"{stem}{suffix}".encode()) <= LONGEST:
        return f"{stem}{suffix}"
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[: digits or 8]
    suffix = suffix if len(suffix.encode()) <= 16 else ""
    room = LONGEST - len(f"-{digest}{suffix}".encode())
    return f"{stem.encode()[:room].decode('utf-8', 'ignore')}-{digest}{suffix}"


def _odd(char: str) -> bool:
    return char in FORBIDDEN or unicodedata.category(char)[0] == "C"
