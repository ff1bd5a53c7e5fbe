"""A database of the default Label Studio, migrated already, so that a first start takes seconds.

Label Studio makes its tables by several hundred migrations, which take most of a first start. Their
result is the same each time: it holds tables, permissions and the list of migrations, and nobody's
account, token or key. `deploy/migrate_label_studio.py` writes it, and a test compares it with
what migrations make.
"""

import lzma
from pathlib import Path

from annolooop.files.whole import flush, replacing

FOLDER = Path(__file__).parent / "databases"


def migrated_file(version: str) -> Path:
    """Where the database of a version is kept, if there is one: SQLite, compressed by xz."""
    return FOLDER / f"{version}.sqlite3.xz"


def begin_migrated(file: Path, version: str | None) -> bool:
    """Make a new database from the one that is kept for a version.

    Args:
        file: of the database, which does not exist yet.
        version: of the Label Studio that is about to start; ``None`` where it is not known.

    Returns:
        Whether there is one for it.
    """
    kept = migrated_file(version) if version else None
    if kept is None or not kept.is_file():
        return False
    with replacing(file) as part:
        part.touch(mode=0o600)
        part.write_bytes(lzma.decompress(kept.read_bytes()))
        flush(part)
    return True
