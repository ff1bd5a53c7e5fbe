"""Rows to CSV, JSONL and Parquet, read back."""

import csv
import json
import sys
from pathlib import Path

import pytest

from annolooop.errors import ConfigError
from annolooop.files.tables import GROUP, TABLES, check_table, open_table, write_table

COLUMNS = {"key": "text", "score": "real", "labels": "texts", "people": "numbers"}
ROWS = [
    {"key": 'ä,\n"b".jpg', "score": 0.5, "labels": ["cat", "dog"], "people": [1, 2]},
    {"key": "c.jpg", "score": None, "labels": [], "people": []},
]


def test_csv_joins_lists_and_quotes_text(tmp_path: Path) -> None:
    write_table(tmp_path / "t", ".csv", COLUMNS, ROWS)
    with (tmp_path / "t").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "key": 'ä,\n"b".jpg',
        "score": "0.5",
        "labels": "cat|dog",
        "people": "1|2",
    }
    assert rows[1]["score"] == rows[1]["labels"] == ""


@pytest.mark.parametrize("text", ["=1+1", "+1", "-x.jpg", "@SUM(A1)", "\tx", "\rx"])
def test_cell_that_a_spreadsheet_would_run_begins_with_a_quote(tmp_path: Path, text: str) -> None:
    row = {"key": text, "score": -0.5, "labels": [text, "b"], "people": [-1]}
    write_table(tmp_path / "t", ".csv", COLUMNS, [row])
    with (tmp_path / "t").open(encoding="utf-8", newline="") as file:
        (read,) = csv.DictReader(file)
    assert read == {"key": f"'{text}", "score": "-0.5", "labels": f"'{text}|b", "people": "'-1"}


@pytest.mark.parametrize("label", ["NA", "null", "None", "nan", "N/A"])
def test_label_that_could_be_taken_for_a_missing_value_is_quoted(
    tmp_path: Path, label: str
) -> None:
    row = {"key": label, "score": None, "labels": [label], "people": []}
    write_table(tmp_path / "t", ".csv", COLUMNS, [row])
    lines = (tmp_path / "t").read_bytes().splitlines()
    assert lines[1] == f'"{label}",,"{label}",'.encode()


def test_jsonl_has_a_line_for_each_row(tmp_path: Path) -> None:
    write_table(tmp_path / "t", ".jsonl", COLUMNS, ROWS)
    lines = (tmp_path / "t").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == ROWS
    assert "ä" in lines[0]


def test_parquet_keeps_types(tmp_path: Path) -> None:
    from pyarrow import parquet

    write_table(tmp_path / "t", ".parquet", COLUMNS, ROWS)
    table = parquet.read_table(tmp_path / "t")
    assert table.to_pylist() == ROWS
    assert list(map(str, table.schema.types)) == [
        "string",
        "double",
        "list<element: string>",
        "list<element: int64>",
    ]


def test_parquet_without_rows_has_its_columns(tmp_path: Path) -> None:
    from pyarrow import parquet

    write_table(tmp_path / "t", ".parquet", COLUMNS, [])
    assert parquet.read_table(tmp_path / "t").column_names == list(COLUMNS)


def test_large_parquet_is_written_in_groups(tmp_path: Path) -> None:
    from pyarrow import parquet

    write_table(tmp_path / "t", ".parquet", {"n": "real"}, ({"n": n} for n in range(GROUP + 1)))
    assert parquet.ParquetFile(tmp_path / "t").num_row_groups == 2


@pytest.mark.parametrize("suffix", TABLES)
def test_rows_come_in_several_parts(tmp_path: Path, suffix: str) -> None:
    with open_table(tmp_path / "t", suffix, {"key": "text"}) as write:
        write([{"key": "a"}])
        write([{"key": "b"}])
    data = (tmp_path / "t").read_bytes()
    assert data.index(b"a") < data.index(b"b")


def test_missing_writer_is_an_error_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    check_table(".csv")
    with pytest.raises(ConfigError, match="needs pyarrow") as refused:
        check_table(".parquet")
    assert "annolooop[parquet]" in refused.value.hint
