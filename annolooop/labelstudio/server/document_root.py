"""The folder whose files a local server may serve, and write into: links to what people may see.

Label Studio's annotators may read whatever is below its document root, and have it write there. So
that is not the store, but a folder of the server's own, which holds nothing else than links.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from annolooop.errors import ConfigError
from annolooop.files.whole import make_folder


def root_of(data_dir: Path, store: Path) -> Path:
    """The document root of a server for one store that is a folder."""
    digest = hashlib.sha256(str(store).encode("utf-8", "surrogatepass")).hexdigest()
    return data_dir / "files" / digest[:12]


def link_folders(root: Path, links: Mapping[str, Path]) -> None:
    """Make a document root hold these links, and no others.

    Args:
        root: the folder; it is made.
        links: name -> a folder of the store; it is made, too.

    Raises:
        ConfigError: one cannot be made.
    """
    make_folder(root)
    for entry in root.iterdir():
        if entry.is_symlink() and links.get(entry.name) != entry.readlink():
            entry.unlink()
    for name, folder in links.items():
        make_folder(folder, shared=True)
        link = root / name
        if link.is_symlink():
            continue
        try:
            link.symlink_to(folder, target_is_directory=True)
        except OSError as error:
            if link.is_symlink():  # another process made it just now
                continue
            raise ConfigError(
                f"the link {link} to {folder} cannot be made: {error.strerror or error}",
                "Name a folder on a file system that has links: label_studio.data_dir",
            ) from error


def linked_store(root: Path) -> Path:
    """The store that a document root shows images of, for messages."""
    links = [entry for entry in root.iterdir() if entry.is_symlink()] if root.is_dir() else []
    return links[0].readlink().parent if links else root
