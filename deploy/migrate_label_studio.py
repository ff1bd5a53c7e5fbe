"""Write the migrated database with which the first start of a Label Studio begins.

    .venv/bin/python deploy/migrate_label_studio.py 1.23.2

It runs the migrations of an installed Label Studio of that version (installed where it is missing).
"""

import lzma
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from platformdirs import user_cache_path

from annolooop.config.schema import DEFAULT_LABEL_STUDIO
from annolooop.labelstudio.server.install import ensure_environment
from annolooop.labelstudio.server.migrated import migrated_file

# What a start does before it makes an account.
MIGRATE = (
    "import os, sys; from pathlib import Path; import label_studio; "
    "sys.path.insert(0, str(Path(label_studio.__file__).parent)); "
    "os.environ['DJANGO_SETTINGS_MODULE'] = 'label_studio.core.settings.label_studio'; "
    "import django; django.setup(); "
    "from django.core.management import call_command; call_command('migrate', verbosity=0)"
)


def migrate(python: Path, folder: Path) -> Path:
    """The database that all migrations make in an empty folder.

    Args:
        python: of the environment that has Label Studio.
        folder: for the database, and what else Label Studio writes.
    """
    environment = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder),
        "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
        "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
        "LABEL_STUDIO_SENTRY_DSN": "",
        "SENTRY_DSN": "",
    }
    command = [str(python), "-I", "-c", MIGRATE]
    subprocess.run(command, env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder / "label_studio.sqlite3"


def main() -> None:
    """Migrate, and keep the result beside the code."""
    version = sys.argv[1] if len(sys.argv) > 1 else DEFAULT_LABEL_STUDIO
    root = user_cache_path("annoloop") / "label-studio"
    executable = ensure_environment(root, version, "deploy", print)
    with TemporaryDirectory() as folder:
        database = migrate(executable.parent / "python", Path(folder))
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode=delete")
            connection.execute("VACUUM")
        file = migrated_file(version)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(lzma.compress(database.read_bytes(), preset=9 | lzma.PRESET_EXTREME))
    sys.stdout.write(f"wrote {file}, {file.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
