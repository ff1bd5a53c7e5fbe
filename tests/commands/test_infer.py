"""What `annoloop infer` takes and prints."""

from dataclasses import replace

import pytest
from support.printed import printed

from annolooop.commands.infer import make_query, one_batch, print_infer
from annolooop.domain.progress import Objects
from annolooop.errors import UsageError
from annolooop.loop.infer.infer import InferReport
from annolooop.loop.infer.query import QueryReport

REPORT = InferReport(
    dataset="my set",
    batch="photos",
    model_version="v3-0123ab",
    dry_run=False,
    collected=0,
    images=60,
    uploaded=60,
    embedded=58,
    cached=2,
    unreadable=(),
    tasks_created=60,
    predictions_pushed=60,
    changed=0,
    stale=0,
    out=None,
    url="http://x",
    seconds={"read": 0.5, "forward": 6.25, "total": 8.0},
    bottleneck="forward",
)
QUERY = QueryReport(
    round=2,
    strategy="auto",
    used="typical",
    why="no head is trained yet",
    asked=50,
    holdout=10,
    left=5,
    twice=0,
    seconds=0.1,
)


@pytest.mark.parametrize(
    ("photos", "option", "batch"),
    [("a", None, "a"), (None, "a", "a"), ("a", "a", "a"), (None, None, None)],
)
def test_batch_is_an_argument_or_an_option(
    photos: str | None, option: str | None, batch: str | None
) -> None:
    assert one_batch(photos, option) == batch


def test_two_different_batches_are_refused() -> None:
    with pytest.raises(UsageError, match="two batches are named: a, and --batch b"):
        one_batch("a", "b")


def test_one_line_tells_rate_and_slowest_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = printed(monkeypatch, print_infer, REPORT)
    assert "8.0 s, 7.5 images/s, slowest stage: forward" in out
    assert not any(line.startswith("  read") for line in out)


def test_verbose_tells_the_seconds_of_each_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = printed(monkeypatch, print_infer, REPORT, verbose=True)
    assert out[-2:] == ["  forward  6.25 s", "  read     0.50 s"]


@pytest.mark.parametrize("hidden", [True, False])
def test_predictions_that_are_not_shown_are_told_with_the_key(
    monkeypatch: pytest.MonkeyPatch, hidden: bool
) -> None:
    out, _ = printed(monkeypatch, print_infer, replace(REPORT, hidden=hidden))
    assert ("infer.show_untrained: false" in " ".join(out)) == hidden


def test_files_that_were_passed_over_are_counted_by_suffix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = replace(REPORT, passed_over={".csv": 1, ".heic": 12})
    out, _ = printed(monkeypatch, print_infer, report)
    assert "passed over, by name: 12 .heic, 1 .csv" in out
    assert "to read HEIC photographs, too: pip install 'annolooop[heic]'" in out


def test_next_command_opens_the_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(monkeypatch, print_infer, REPORT)[1] == [
        "next: annoloop dataset launch 'my set'"
    ]


def test_stale_predictions_lead_to_rerun(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = printed(monkeypatch, print_infer, replace(REPORT, stale=3))
    assert "3 tasks with predictions by other model versions only" in out
    assert err == ["next: annoloop infer --batch photos --rerun  to predict them anew"]


def test_predictions_that_were_not_sent_lead_to_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    _, err = printed(monkeypatch, print_infer, replace(REPORT, url=None))
    assert err == ["next: annoloop infer --batch photos  to show people the predictions"]


def test_chosen_tasks_are_labelled_although_others_are_stale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, err = printed(monkeypatch, print_infer, replace(REPORT, stale=3, query=QUERY))
    assert err == ["next: annoloop dataset launch 'my set'"]


def test_dry_run_says_that_nothing_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    typed, report = "infer photos --dry-run --rerun", replace(REPORT, dry_run=True)
    out, err = printed(monkeypatch, print_infer, report, typed=typed)
    assert out[0] == "nothing was changed; to be done:"
    assert err == ["next: annoloop infer photos --rerun"]


def test_query_tells_how_it_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = printed(monkeypatch, print_infer, replace(REPORT, query=QUERY))
    assert "round 2: 50 tasks to answer next, 10 of them in the holdout; 5 more are left" in out
    assert "chosen by auto, which took typical: no head is trained yet" in out


def test_query_that_finds_nothing_leads_to_training(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = replace(QUERY, round=0, asked=0, left=0)
    out, err = printed(monkeypatch, print_infer, replace(REPORT, query=nothing))
    assert "nothing is left to ask: every task is annotated or skipped" in out
    assert err[0].startswith("next: annoloop train --rerun")


@pytest.mark.parametrize("columns", [40, 80])
def test_lines_fit_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    report = replace(REPORT, changed=2, vanished=Objects(1, ("images/a.jpg",)), query=QUERY)
    out, _ = printed(monkeypatch, print_infer, report, columns)
    assert max(map(len, out)) <= columns


def test_no_option_of_the_query_is_no_query() -> None:
    assert make_query(None, None, None) is None


def test_overlap_needs_a_query() -> None:
    with pytest.raises(UsageError, match="--overlap needs --query"):
        make_query(None, None, 0.1)


def test_unknown_strategy_is_refused_with_the_closest_one() -> None:
    with pytest.raises(UsageError, match="did you mean margin"):
        make_query(3, "margni", None)
