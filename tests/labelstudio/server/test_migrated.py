"""The shipped database is what Label Studio's migrations make, and holds nobody."""

import importlib.util
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.project import ROOT

from annolooop.config.schema import DEFAULT_LABEL_STUDIO
from annolooop.labelstudio.server.database import Database, Mark
from annolooop.labelstudio.server.migrated import begin_migrated

# Rows that every database has; their times differ.
FILLED = {
    "django_migrations": "app, name",
    "django_content_type": "app_label, model",
    "auth_permission": "codename, name",
    "core_asyncmigrationstatus": "name, status",
}


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    file = tmp_path / "shipped.sqlite3"
    assert begin_migrated(file, DEFAULT_LABEL_STUDIO)
    return file


def schema(file: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        query = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
        return sorted(tuple(map(str, row)) for row in connection.execute(query))


def rows(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """Table -> its rows, of tables that have some."""
    with closing(sqlite3.connect(file)) as connection:
        names = [name for kind, name, _ in schema(file) if kind == "table"]
        counted = {
            name: connection.execute(
                f'SELECT {FILLED.get(name, "*")} FROM "{name}" ORDER BY 1, 2'
            ).fetchall()
            for name in names
        }
    return {name: found for name, found in counted.items() if found}


def test_it_is_private_and_holds_no_account_token_or_project(shipped: Path) -> None:
    assert shipped.stat().st_mode & 0o777 == 0o600
    assert rows(shipped).keys() == FILLED.keys()


def test_other_versions_migrate_by_themselves(tmp_path: Path) -> None:
    for version in ("1.0.0", "", None):
        assert not begin_migrated(tmp_path / "none.sqlite3", version)
    assert not list(tmp_path.iterdir())


def test_new_database_belongs_to_its_version_and_one_that_is_there_stays(tmp_path: Path) -> None:
    database = Database(tmp_path)
    database.prepare(DEFAULT_LABEL_STUDIO, print)
    assert database.mark() == Mark(DEFAULT_LABEL_STUDIO, False)
    assert database.copies() == []
    with closing(sqlite3.connect(database.file)) as connection, connection:
        connection.execute("CREATE TABLE mine (n)")
    database.prepare(DEFAULT_LABEL_STUDIO, print)
    assert ("table", "mine", "CREATE TABLE mine (n)") in schema(database.file)


def test_migrations_make_the_same(label_studio_command: str, shipped: Path, tmp_path: Path) -> None:
    path = ROOT / "deploy" / "migrate_label_studio.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    (tmp_path / "fresh").mkdir()
    fresh = script.migrate(Path(label_studio_command).parent / "python", tmp_path / "fresh")
    assert schema(shipped) == schema(fresh)
    assert rows(shipped) == rows(fresh)
