"""What `annoloop dataset accept` prints."""

from dataclasses import replace

import pytest
from support.printed import printed

from annolooop.commands.dataset.accept import print_accept
from annolooop.loop.quality.accept import AcceptReport
from annolooop.loop.quality.thresholds import LabelThreshold
from annolooop.loop.quality.undo import UndoReport
from annolooop.model.judging.acceptance import Threshold

REPORT = AcceptReport(
    dataset="my set",
    version="v3-0123ab",
    precision=0.98,
    threshold=0.9312,
    holdout=200,
    above=149,
    errors=0,
    low=0.9801,
    untouched=500,
    spot_check=20,
    over_limit=0,
    accepted=380,
    passed_over=0,
    wrong_at_most=8,
    labels={"dress": 200, "hat": 180},
    applied=False,
    seconds=1.0,
    to_do=120,
)


def test_promise_says_from_which_confidence_on(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = "dataset accept --spot-check 0.1"
    out, err = printed(monkeypatch, print_accept, REPORT, typed=typed)
    assert out[0] == "v3-0123ab: at least 98.0% correct where confidence is 0.9312 or more"
    assert out[2].startswith("to accept: 380 of 500 untouched predictions")
    assert err == ["next: annoloop dataset accept --spot-check 0.1 --yes"]


def test_label_without_enough_evidence_is_left_to_people_and_said_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = (
        LabelThreshold("dress", 180, Threshold(0.91, 180, 0, 0.981)),
        LabelThreshold("hat", 20, Threshold()),
    )
    out, _ = printed(monkeypatch, print_accept, replace(REPORT, per_label=rows), typed="accept")
    assert "for all labels together" in " ".join(out)
    dress, hat = (next(x.split() for x in out if x.startswith(n)) for n in ("dress", "hat"))
    assert dress == ["dress", "98.1%", "0.91", "0", "of", "180", "180"]
    assert hat == ["hat", "left", "to", "people", "20"]


def test_what_was_accepted_can_be_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = printed(monkeypatch, print_accept, replace(REPORT, applied=True))
    assert out[2].startswith("accepted: 380 of 500")
    assert "annoloop dataset accept --undo v3-0123ab --yes" in " ".join(err)
    assert err[-1] == "next: annoloop dataset launch 'my set'"


def test_after_the_last_task_nobody_is_sent_to_the_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    report = replace(REPORT, applied=True, to_do=0)
    err = printed(monkeypatch, print_accept, report)[1]
    assert any(line.startswith("next: annoloop report") for line in err)


def test_predictions_that_nobody_sees_are_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    report = replace(REPORT, accepted=0, untouched=0, labels={})
    _, err = printed(monkeypatch, print_accept, report)
    assert err[0] == "No prediction is shown in a task that nobody touched."
    assert err[1].startswith("next: annoloop infer --rerun")


def test_nothing_sure_enough_leads_to_people(monkeypatch: pytest.MonkeyPatch) -> None:
    _, err = printed(monkeypatch, print_accept, replace(REPORT, accepted=0, labels={}))
    assert err == ["No prediction is sure enough.", "next: annoloop dataset launch 'my set'"]


def test_undo_counts_what_people_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    report = UndoReport("my set", "v3-0123ab", withdrawn=1, kept=2, applied=False, seconds=0.1)
    out, err = printed(monkeypatch, print_accept, report, typed="dataset accept --undo v3")
    assert out == [
        "to remove: 1 annotation accepted from v3-0123ab",
        "kept: 2 that people touched meanwhile",
    ]
    assert err == ["next: annoloop dataset accept --undo v3 --yes"]
