"""Records are written as JSON and read back; what is not of their type is named."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from annolooop.errors import DataError
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.records import Document, WrongRecord, from_json, to_json


@dataclass(frozen=True)
class Part:
    name: str
    share: float


@dataclass(frozen=True)
class Whole:
    number: int
    title: str
    side: Literal["left", "right"] = "left"
    by: str | None = None
    parts: tuple[Part, ...] = ()
    first: Part | None = None
    moments: dict[int, str] = field(default_factory=dict)
    anything: dict[str, Any] = field(default_factory=dict)


FULL = Whole(
    3, "ü", "right", "ana", (Part("a", 0.5), Part("b", 1)), Part("c", 0.0), {7: "now"}, {"x": [1]}
)


def test_record_comes_back_as_it_was() -> None:
    assert from_json(Whole, to_json(FULL)) == FULL


def test_fields_with_a_default_may_be_absent() -> None:
    assert from_json(Whole, b'{"number": 1, "title": "a"}') == Whole(1, "a")


def test_fields_that_are_derived_are_not_written() -> None:
    written = json.loads(to_json(Part("a", 0.5), {"share": None}))
    assert written == {"name": "a"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "it is not JSON"),
        (b"[]", "it is not an object"),
        (b'{"number": 1}', "it has no 'title'"),
        (b'{"number": 1, "title": "a", "more": 1}', "it has an unknown 'more'"),
        (b'{"number": "1", "title": "a"}', "'number' is \"1\""),
        (b'{"number": true, "title": "a"}', "'number' is true"),
        (b'{"number": 1, "title": "a", "by": 7}', "'by' is 7"),
        (b'{"number": 1, "title": "a", "side": "up"}', '"up" where one of'),
        (b'{"number": 1, "title": "a", "parts": {}}', "a list is expected"),
        (b'{"number": 1, "title": "a", "parts": [{"name": "a"}]}', "it has no 'share'"),
        (b'{"number": 1, "title": "a", "moments": {"x": "now"}}', "a key that is not a number"),
        (b'{"number": 1, "title": "a", "moments": {"1": 2}}', "2 where str is expected"),
        (b"", "it is not JSON"),
        ('{"number": 1, "title": "ü"}'.encode("latin-1"), "it is not JSON"),
        ('{"number": 1, "title": "a"}'.encode("utf-16"), "it is not JSON"),
        (b'{"number": 1, "title": "\\ud800"}', "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b'{"number": ' * 100_000, "it is not JSON"),
        (b'{"number": ' + b"9" * 5000 + b"}", "it is not JSON"),
        (b'{"number": 1, "title": "a", "first": {"name": "b", "share": NaN}}', "it is not JSON"),
        (b'{"number": 1, "title": "a", "first": {"name": "b", "share": 1e999}}', "it is not JSON"),
        (b'{"number": 1, "title": ' + b"[" * 900 + b"]" * 900 + b"}", ""),
    ],
)
def test_what_is_wrong_is_named(body: bytes, why: str) -> None:
    with pytest.raises(WrongRecord) as caught:
        from_json(Whole, body)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "value"), [(str, "a"), (int, 1), (bool, True), (tuple[str, ...], ("a", "b"))]
)
def test_records_need_not_be_dataclasses(kind: Any, value: object) -> None:
    assert from_json(kind, to_json(value)) == value


def test_mark_of_utf8_at_the_beginning_is_passed_over() -> None:
    assert from_json(str, b'\xef\xbb\xbf"a"') == "a"


def _even(number: int) -> int:
    if number % 2:
        raise ValueError
    return number


def test_values_may_have_a_check_of_their_own() -> None:
    kind = tuple[Annotated[int, _even], ...]
    assert from_json(kind, b"[2, 4]") == (2, 4)
    for body in (b"[2, 3]", b'["2"]'):
        with pytest.raises(WrongRecord):
            from_json(kind, body)


def test_derived_document_that_is_damaged_counts_as_missing(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    store.put("a/b.json", b'{"name": "a"}')
    document: Document[Part] = Document(store, "a/b.json", Part, derived=True)
    assert document.read() is None
    assert document.exists()


def test_document_is_replaced_as_a_whole(tmp_path: Path) -> None:
    document: Document[Part] = Document(ArtifactStore(str(tmp_path)), "a/b.json", Part)
    assert document.read() is None
    document.write(Part("a", 0.5))
    document.write(Part("b", 1))
    assert document.read() == Part("b", 1)
    document.delete()
    assert not document.exists()


def test_damaged_document_is_named(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    store.put("a/b.json", b'{"name": "a"}')
    with pytest.raises(DataError, match=r"a/b\.json in .* is damaged: it has no 'share'"):
        Document(store, "a/b.json", Part).read()
