"""A series only grows, and says which of its records is damaged."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from annolooop.errors import DataError
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.series import NUMBER, Series


@dataclass(frozen=True)
class Entry:
    number: int
    text: str


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path))


@pytest.fixture
def series(store: ArtifactStore) -> Series[Entry]:
    return Series(store, "a/s", Entry, NUMBER)


def test_records_are_numbered_from_one(series: Series[Entry]) -> None:
    assert [series.append(Entry(0, text)) for text in "abc"] == [1, 2, 3]
    assert series.numbers() == [1, 2, 3]
    assert list(series.each()) == [Entry(1, "a"), Entry(2, "b"), Entry(3, "c")]


def test_derived_fields_are_not_in_the_store(series: Series[Entry], store: ArtifactStore) -> None:
    series.append(Entry(0, "a"))
    assert store.get("a/s/000001.json") == b'{"text": "a"}'


def test_before_the_first_record_there_is_none(series: Series[Entry]) -> None:
    assert series.latest() is None
    assert series.numbers() == []


def test_latest_is_the_one_of_the_highest_number(
    series: Series[Entry], store: ArtifactStore
) -> None:
    for number in (9, 1_000_000, 10):
        store.put(series.key(number), b'{"text": "a"}')
    assert series.numbers() == [9, 10, 1_000_000]
    assert series.latest() == Entry(1_000_000, "a")


def test_of_two_that_write_after_the_same_number_one_is_told_so(series: Series[Entry]) -> None:
    assert series.write_after(0, Entry(0, "a"))
    assert not series.write_after(0, Entry(0, "b"))
    assert series.latest() == Entry(1, "a")


def test_some_records_are_read_in_the_order_asked(series: Series[Entry]) -> None:
    for text in "abc":
        series.append(Entry(0, text))
    assert [entry.text for entry in series.each([3, 1])] == ["c", "a"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"text": 1}', b'{"text": "a", "more": 1}'])
def test_damaged_record_names_its_key_and_store_and_what_to_do(
    series: Series[Entry], store: ArtifactStore, body: bytes
) -> None:
    series.append(Entry(0, "a"))
    store.put("a/s/000002.json", body)
    for read in (series.latest, lambda: list(series.each()), lambda: series.read(2)):
        with pytest.raises(DataError) as caught:
            read()
        message = caught.value.message
        assert message.startswith(f"a/s/000002.json in the artifact store {store.url} is damaged: ")
        assert caught.value.hint == "Put it back from a backup."


def test_record_that_is_gone_is_named(series: Series[Entry]) -> None:
    with pytest.raises(DataError, match=r"a/s/000007\.json is missing"):
        series.read(7)
    with pytest.raises(DataError, match=r"a/s/000007\.json is missing"):
        list(series.each([7]))


def test_other_files_beside_a_series_are_left_alone(
    series: Series[Entry], store: ArtifactStore
) -> None:
    series.append(Entry(0, "a"))
    for name in (
        "notes.txt",
        "7",
        "12.json",
        "000000.json",
        "20260101.json",
        "x/000002.json",
        "000003.json.bak",
        "000004.json/x",
        "\u0660\u0660\u0660\u0660\u0660\u0665.json",
    ):
        store.put(f"a/s/{name}", b"mine")
    assert series.numbers() == [1]
    assert series.append(Entry(0, "b")) == 2


def test_newest_record_of_a_witnessed_series_is_missed(store: ArtifactStore) -> None:
    series: Series[Entry] = Series(store, "a/s", Entry, NUMBER, witnessed=True)
    for text in "ab":
        series.append(Entry(0, text))
    assert series.latest() == Entry(2, "b")
    store.delete("a/s/000002.json")
    for read in (series.latest, series.numbers, lambda: list(series.each())):
        with pytest.raises(DataError, match=r"a/s/000002\.json is missing"):
            read()
    assert series.append(Entry(0, "c")) == 3
    assert series.latest() == Entry(3, "c")


def test_record_that_comes_while_the_list_is_made_is_not_missed(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    series: Series[Entry] = Series(store, "a/s", Entry, NUMBER, witnessed=True)
    for text in "ab":
        series.append(Entry(0, text))
    listed = [item for item in store.walk("a/s") if item.key != "a/s/000002.json"]
    monkeypatch.setattr(store, "walk", lambda prefix: iter(listed))
    assert series.numbers() == [1, 2]
    assert series.latest() == Entry(2, "b")


def test_record_that_was_written_before_its_witness_counts(store: ArtifactStore) -> None:
    series: Series[Entry] = Series(store, "a/s", Entry, NUMBER, witnessed=True)
    series.append(Entry(0, "a"))
    store.delete("a/s/000001.written")  # killed in between
    assert series.latest() == Entry(1, "a")


def test_derived_record_that_is_damaged_is_replaced(store: ArtifactStore) -> None:
    series: Series[Entry] = Series(store, "a/s", Entry, NUMBER, instead=Entry(0, "nothing"))
    series.append(Entry(0, "a"))
    store.put("a/s/000001.json", b'{"text": 5}')
    assert list(series.each()) == [Entry(0, "nothing")]
