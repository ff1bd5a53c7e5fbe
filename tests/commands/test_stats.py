"""What `annoloop stats` prints."""

from dataclasses import replace

import pytest
from support.printed import printed

from annolooop.commands.stats import print_stats
from annolooop.domain.versions import ClassFigures, Estimate, Evaluation, Holdout
from annolooop.loop.quality.stats import Sameness, StatsReport, VersionStats

FIGURE = Estimate(0.9, 0.8, 0.95)
CLASSES = {name: ClassFigures(20, 19, FIGURE, FIGURE) for name in ("dress", "hat")}
REPORT = StatsReport(
    dataset="clothes",
    total=60,
    labeled=44,
    unlabeled=16,
    skipped=0,
    disputed=1,
    outdated=0,
    vanished=0,
    labels={"dress": 24, "hat": 20},
    model_version="v2-0123ab",
    model_versions={f"v{n}-0123ab": VersionStats(60, 8, 16) for n in (1, 2)},
    url="http://x",
    in_force="v2-0123ab",
    holdout=Holdout(40, 0.9, 0.8, 0.95),
    evaluation=Evaluation(40, FIGURE, FIGURE, FIGURE, FIGURE, CLASSES),
    shown=Sameness(44, FIGURE),
    next="annoloop dataset launch clothes",
)


def test_counts_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = printed(monkeypatch, print_stats, REPORT)
    assert out[0] == "clothes: 60 tasks, 44 labelled, 16 to do, 0 skipped"
    assert out[1] == "1 labelled task on which people disagree"
    assert err == ["next: annoloop dataset launch clothes"]


def test_next_command_has_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    report = replace(REPORT, next="annoloop report", next_why="no task is left")
    _, err = printed(monkeypatch, print_stats, report)
    assert err == ["next: annoloop report  no task is left"]


def test_current_version_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = printed(monkeypatch, print_stats, REPORT)
    assert next(line for line in out if line.endswith("current")).startswith("v2-0123ab")


def test_figures_have_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = printed(monkeypatch, print_stats, REPORT)
    assert "model v2-0123ab on 40 images of the holdout (95 % intervals):" in out
    assert "same answer as the model: 0.90 (0.80-0.95) of 44 shown" in out


def test_long_lists_are_cut_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    many = replace(
        REPORT,
        labels={f"label {n}": n for n in range(12)},
        model_versions={f"v{n}-0123ab": VersionStats(1, 0, 0) for n in range(9)},
    )
    out, _ = printed(monkeypatch, print_stats, many)
    assert "4 more labels (--json lists all)" in out
    assert "5 earlier ones (--json lists all)" in out


@pytest.mark.parametrize("columns", [40, 80])
def test_tables_fit_and_cut_no_version(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    out, _ = printed(monkeypatch, print_stats, REPORT, columns)
    assert max(map(len, out)) <= columns
    assert any(line.startswith("v2-0123ab") for line in out)


def test_answers_chosen_in_different_ways_are_not_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = replace(REPORT, blind=Sameness(10, FIGURE))
    out, _ = printed(monkeypatch, print_stats, both)
    assert any("do not compare the two" in line for line in out)
