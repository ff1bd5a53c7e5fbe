"""What annoloop made may be removed by it: a folder that bears its mark, and is no link."""

import shutil
from pathlib import Path

from annolooop.errors import ConfigError


def remove_own(folder: Path, mark: Path) -> None:
    """Remove a folder with all that is in it; what links lead to stays.

    Args:
        folder: to remove.
        mark: a file or folder that is there if annoloop made the folder.

    Raises:
        ConfigError: it is a link, or bears no mark.
    """
    why = ""
    if folder.is_symlink():
        why = f"it is a link to {folder.readlink()}"
    elif not mark.exists():
        why = "annoloop did not make it"
    if why:
        raise ConfigError(
            f"{folder} is in the way, and is not removed, since {why}",
            "Move it away, then type the same command again.",
        )
    shutil.rmtree(folder)
