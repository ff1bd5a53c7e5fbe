"""How people answered, and what came of it."""

from dataclasses import replace

from annolooop.domain.annotations import Annotation
from annolooop.loop.quality.ways import answers_by_way

ONE = Annotation(1, 1, "a.jpg", "a" * 64, ("cat",), False, False, 1, "2026-01-01T00:00:00Z")
SHOWN = replace(ONE, shown_version="v2-1", shown=("cat",), lead_time=4.0)


def test_answers_are_told_apart_by_how_they_were_given() -> None:
    sheet = replace(SHOWN, way="sheet", lead_time=0.5)
    answers = [SHOWN, sheet, replace(sheet, labels=("dog",)), replace(sheet, lead_time=None)]
    ways = answers_by_way(answers, "single")
    assert list(ways) == ["one by one", "sheet"]
    assert (ways["sheet"].answers, ways["sheet"].shown, ways["sheet"].seconds) == (3, 3, 0.5)
    assert ways["sheet"].same.value == 2 / 3
    assert (ways["one by one"].seconds, ways["one by one"].same.value) == (4.0, 1.0)


def test_blind_answers_are_not_compared_with_the_model() -> None:
    ways = answers_by_way([ONE, replace(ONE, way="blind-sheet")], "single")
    assert (ways["blind-sheet"].shown, ways["blind-sheet"].same.value) == (0, None)


def test_without_a_sheet_there_is_nothing_to_tell_apart() -> None:
    accepted = replace(SHOWN, accepted="v2-1")
    assert answers_by_way([ONE, SHOWN, accepted], "single") == {}
