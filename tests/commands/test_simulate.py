"""What `annoloop simulate` prints."""

import pytest
from support.printed import printed

from annolooop.commands.simulate import _spread, print_simulate
from annolooop.domain.versions import BackboneInfo
from annolooop.loop.simulate.simulate import SimulatedPoint, SimulatedStrategy, SimulateReport


def strategy(name: str, needed: float | None = None) -> SimulatedStrategy:
    points = tuple(SimulatedPoint(n, 0.5 + n / 1000, 0.01) for n in (20, 40, 60, 80, 100))
    return SimulatedStrategy(name, points, needed, None if needed is None else 0.4, 0.02)


def report(*strategies: SimulatedStrategy) -> SimulateReport:
    return SimulateReport(
        folder="photos",
        images=300,
        pool=240,
        test=60,
        labels=("a", "b"),
        seeds=5,
        query=20,
        budget=100,
        backbone=BackboneInfo("resnet18", "DEFAULT", "f", "t", 512),
        embedded=300,
        strategies=strategies,
        left_out=(),
        seconds=1.5,
    )


def test_saving_is_told_against_random(monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = printed(
        monkeypatch, print_simulate, report(strategy("auto", 60.0), strategy("random", 100.0))
    )
    assert "labels needed for what random reaches with 100:" in out
    assert "  auto: 60, so 40% ± 2% are saved" in out
    assert not any(line.startswith("  random") for line in out)


def test_strategy_that_does_not_get_there_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = printed(monkeypatch, print_simulate, report(strategy("auto"), strategy("random")))
    assert "  auto: not reached" in out


def test_early_crossing_by_chance_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    _, err = printed(
        monkeypatch, print_simulate, report(strategy("auto", 50.0), strategy("random", 80.0))
    )
    assert "--seeds 20" in " ".join(err)


def test_many_strategies_are_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["auto", "margin", "entropy", "badge", "random"]
    out, _ = printed(monkeypatch, print_simulate, report(*map(strategy, names)))
    first_words = [line.split(" ")[0] for line in out]
    assert [word for word in first_words if word in names] == names


def test_rows_are_spread_by_about_the_same_factor() -> None:
    assert _spread(list(range(1, 101)), 4) == [1, 5, 22, 100]
    assert _spread([1, 2], 4) == [1, 2]
