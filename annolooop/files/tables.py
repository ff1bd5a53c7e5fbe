"""Rows to a file: CSV, JSONL or Parquet."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from annolooop.errors import ConfigError, install_extra

Row = dict[str, Any]
Columns = Mapping[str, str]  # name -> kind: text, real, texts or numbers
Write = Callable[[Iterable[Row]], None]

JOINT = "|"  # between the items of a list, in a format that has no lists
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs a cell that begins so
# What readers of tables take for a missing value, unless it is quoted, or whatever it is.
MISSING = frozenset({"na", "n/a", "nan", "null", "none", "<na>", "nil", "#n/a", "-nan", "1.#ind"})
GROUP = 10_000  # rows of a Parquet file that are in memory at once


def check_table(suffix: str) -> None:
    """Refuse a format whose writer is not installed, before any work is done.

    Raises:
        ConfigError: the format needs a package that is not installed.
    """
    if suffix == ".parquet":
        _pyarrow()


def write_table(file: Path, suffix: str, columns: Columns, rows: Iterable[Row]) -> None:
    """Write rows, one at a time; arguments as for :func:`open_table`."""
    with open_table(file, suffix, columns) as write:
        write(rows)


@contextmanager
def open_table(file: Path, suffix: str, columns: Columns) -> Iterator[Write]:
    """Make a table, and yield what writes rows to its end.

    Args:
        file: is made anew.
        suffix: of the format: one of ``TABLES``.
        columns: name -> kind, in their order; each row has a value for every one.
    """
    with TABLES[suffix](file, columns) as write:
        yield write


@contextmanager
def _csv(file: Path, columns: Columns) -> Iterator[Write]:
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write(_line(columns))
        yield lambda rows: out.writelines(_line(row[name] for name in columns) for row in rows)


def _line(values: Iterable[object]) -> str:
    """One row of a CSV file (RFC 4180)."""
    return ",".join(map(_cell, values)) + "\r\n"


def _cell(value: object) -> str:
    """A cell that no spreadsheet runs, and that no reader takes for a missing value."""
    if value is None:
        return ""
    if not isinstance(value, (str, list)):
        return str(value)
    text = JOINT.join(map(str, value)) if isinstance(value, list) else value
    if text.startswith(FORMULA):
        text = f"'{text}"
    if text.strip().lower() in MISSING or any(char in text for char in ',"\r\n'):
        text = '"' + text.replace('"', '""') + '"'
    return text


@contextmanager
def _jsonl(file: Path, columns: Columns) -> Iterator[Write]:
    with file.open("w", encoding="utf-8") as out:
        yield lambda rows: out.writelines(
            json.dumps(row, ensure_ascii=False) + "\n" for row in rows
        )


@contextmanager
def _parquet(file: Path, columns: Columns) -> Iterator[Write]:
    pyarrow, parquet = _pyarrow()
    kinds = {
        "text": pyarrow.string(),
        "real": pyarrow.float64(),
        "texts": pyarrow.list_(pyarrow.string()),
        "numbers": pyarrow.list_(pyarrow.int64()),
    }
    schema = pyarrow.schema([(name, kinds[kind]) for name, kind in columns.items()])
    with parquet.ParquetWriter(file, schema) as out:

        def write(rows: Iterable[Row]) -> None:
            iterator = iter(rows)
            while group := list(islice(iterator, GROUP)):
                out.write_table(pyarrow.Table.from_pylist(group, schema))

        yield write


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(
            "writing Parquet needs pyarrow, which is not installed",
            f"Install it: {install_extra('parquet')}; or write .csv or .jsonl",
        ) from None
    return pyarrow, parquet


TABLES: dict[str, Callable[[Path, Columns], AbstractContextManager[Write]]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
