"""What changed since the last report, by a series in the store."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.project import Project

from annolooop.domain.versions import Estimate
from annolooop.errors import UnreachableError
from annolooop.loop.report.past import reports_of, since_last
from annolooop.page.content import Effort, Verdict
from annolooop.stack import Stack

BEFORE = Verdict("not yet", "", "", 0.9, Estimate(0.8, 0.75, 0.85), 100, "holdout")
NOW = replace(BEFORE, state="close", accuracy=Estimate(0.88, 0.84, 0.92))
WORK = Effort(100, 500, 100, 100, 1.0)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    values = {"store": {"url": str(tmp_path / "store")}, "cache_dir": str(tmp_path / "cache")}
    return Project(tmp_path, values).stack()


def test_the_first_report_has_no_other_before_it(stack: Stack) -> None:
    assert since_last(stack, "set", "v1", BEFORE, WORK).created_at == ""
    assert reports_of(stack, "set").numbers() == [1]


def test_changes_are_said_in_words(stack: Stack) -> None:
    since_last(stack, "set", "v1", BEFORE, WORK)
    found = since_last(stack, "set", "v2", NOW, replace(WORK, labels=141, answers=150, hours=1.5))
    plain = [" ".join(change.split()) for change in found.changes]
    assert plain == [
        "verdict: Close to the target, not yet sure, before: Target not reached yet",
        "accuracy: 88.0 %, before: 80.0 %",
        "41 labels more, 141 now",
        "30 min of people's work",
        "a new model",
    ]
    assert found.created_at == reports_of(stack, "set").read(1).created_at


def test_a_change_within_the_interval_may_be_chance(stack: Stack) -> None:
    since_last(stack, "set", "v1", BEFORE, WORK)
    less = replace(BEFORE, accuracy=Estimate(0.78, 0.73, 0.83))
    (change,) = since_last(stack, "set", "v1", less, WORK).changes
    assert change.endswith("which may be chance")


def test_a_report_written_again_says_the_same_and_adds_nothing(stack: Stack) -> None:
    more = replace(WORK, labels=120)
    since_last(stack, "set", "v1", BEFORE, WORK)
    first, again = (since_last(stack, "set", "v1", BEFORE, more) for _ in range(2))
    assert first == again
    assert len(again.changes) == 1
    assert reports_of(stack, "set").numbers() == [1, 2]


def test_a_damaged_record_is_passed_over(stack: Stack) -> None:
    since_last(stack, "set", "v1", BEFORE, WORK)
    stack.store.put("datasets/set/reports/000002.json", b"{")
    assert len(since_last(stack, "set", "v1", BEFORE, replace(WORK, labels=99)).changes) == 1


def test_a_store_that_takes_no_record_stops_no_report(stack: Stack, tmp_path: Path) -> None:
    """A file lies where its folder would be; the user of the tests may write everywhere."""
    folder = tmp_path / "store" / "datasets" / "set"
    folder.mkdir(parents=True)
    (folder / "reports").write_bytes(b"")
    assert since_last(stack, "set", "v1", BEFORE, WORK).created_at == ""


def test_who_may_only_read_the_store_has_a_report_too(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(key: str, data: bytes) -> bool:
        raise UnreachableError("no", "no")

    since_last(stack, "set", "v1", BEFORE, WORK)
    monkeypatch.setattr(stack.store, "put_new", refuse)
    assert since_last(stack, "set", "v1", NOW, WORK).changes
    assert reports_of(stack, "set").numbers() == [1]
