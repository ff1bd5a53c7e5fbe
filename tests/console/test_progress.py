"""What progress shows, by a clock of the test."""

from collections.abc import Iterator

import pytest
from support.terminal import fake_terminal

from annolooop.console import progress
from annolooop.console.progress import track_with_bar, track_with_lines


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which only the test changes."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def items(clock: list[float], count: int, seconds: float) -> Iterator[int]:
    for item in range(count):
        clock[0] += seconds
        yield item


def test_items_pass_through_in_their_order(clock: list[float]) -> None:
    assert list(track_with_lines(items(clock, 3, 0), "read", 3, 0.0, print)) == [0, 1, 2]


def test_short_stage_writes_nothing(clock: list[float]) -> None:
    lines: list[str] = []
    list(track_with_lines(items(clock, 100, 0.001), "push", 100, 0.0, lines.append))
    assert lines == []


def test_long_stage_writes_now_and_then_and_at_the_end(clock: list[float]) -> None:
    lines: list[str] = []
    list(track_with_lines(items(clock, 12, 1.0), "read", 12, 0.0, lines.append))
    assert lines == [
        "read: 5/12, 1.0/s, 7 s left",
        "read: 10/12, 1.0/s, 2 s left",
        "read: 12/12, 1.0/s",
    ]


def test_stage_of_unknown_length_counts(clock: list[float]) -> None:
    lines: list[str] = []
    list(track_with_lines(items(clock, 6, 1.0), "list", None, 0.0, lines.append))
    assert lines == ["list: 5, 1.0/s"]


def test_time_before_the_first_item_counts(clock: list[float]) -> None:
    lines: list[str] = []
    tracked = track_with_lines(items(clock, 1, 0.0), "infer", 1, clock[0], lines.append)
    clock[0] += 4  # a model is loaded
    list(tracked)
    assert lines == ["infer: 1/1, 0.2/s"]


def test_bar_appears_only_when_a_stage_lasts(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, err = fake_terminal(monkeypatch, 80)
    list(track_with_bar(items(clock, 9, 0.1), "push", 9, clock[0]))
    assert err.getvalue() == ""
    list(track_with_bar(items(clock, 20, 0.1), "embed", 20, clock[0]))
    assert "embed" in err.getvalue()
    assert "20/20" in err.getvalue()


def test_bar_ends_when_the_stage_fails(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    fake_terminal(monkeypatch, 80)

    def failing() -> Iterator[int]:
        yield from items(clock, 20, 0.1)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(track_with_bar(failing(), "embed", 30, clock[0]))
