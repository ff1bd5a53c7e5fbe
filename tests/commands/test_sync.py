"""What `annoloop sync` prints."""

from dataclasses import replace
from typing import Any

import pytest
from support.printed import printed

from annolooop.commands.sync import print_sync
from annolooop.domain.progress import Objects
from annolooop.loop.sync.sync import SyncReport

REPORT = SyncReport(
    dataset="my set",
    check=False,
    relabel=False,
    collected=0,
    unreadable=(),
    snapshot=3,
    created=5,
    updated=1,
    deleted=0,
    labeled=44,
    skipped=2,
    empty=0,
    unreadable_answers=(),
    again="",
    advice=(),
    tasks_created=1,
    predictions_pushed=2,
    new=Objects(),
    changed=Objects(),
    vanished=Objects(),
    doubled=0,
    answered_twice=0,
    batches=(),
    marked=0,
    unmarked=0,
    withheld=0,
    strange=0,
    seconds={},
    model_version="v2-0123ab",
    measured=True,
    tasks=60,
)


def test_changes_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = printed(monkeypatch, print_sync, REPORT)
    assert out == [
        "annotations: 5 created, 1 updated, 0 deleted since the last snapshot",
        "snapshot 3: 44 labelled, 2 skipped",
        "pushed: 1 task, 2 predictions",
    ]
    assert err == ["next: annoloop train --rerun"]


def test_new_objects_lead_to_the_batch_that_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    report = replace(REPORT, new=Objects(2, ("images/b c/1.jpg",)), batches=("images/b c",))
    out, err = printed(monkeypatch, print_sync, report)
    assert out[-2:] == ["  images/b c/1.jpg", "  and 1 more"]
    assert err[0] == "next: annoloop infer --batch 'images/b c'  to add the new images"


def test_mass_loss_is_not_marked_and_says_how_to_insist(monkeypatch: pytest.MonkeyPatch) -> None:
    report = replace(REPORT, withheld=40, vanished=Objects(40, ("images/1.jpg",)))
    out, err = printed(monkeypatch, print_sync, report)
    assert any(line.startswith("not marked as vanished: 40 tasks") for line in out)
    assert "--mark-vanished" in " ".join(err)


def test_check_uses_other_verbs(monkeypatch: pytest.MonkeyPatch) -> None:
    out, _ = printed(monkeypatch, print_sync, replace(REPORT, check=True, marked=1))
    assert "to push: 1 task, 2 predictions" in out
    assert "to mark as vanished: 1 task" in out


def test_nothing_labelled_leads_to_labelling(monkeypatch: pytest.MonkeyPatch) -> None:
    _, err = printed(monkeypatch, print_sync, replace(REPORT, labeled=0))
    assert err == ["next: annoloop dataset launch 'my set'"]


@pytest.mark.parametrize(
    ("changes", "command"),
    [
        ({"learnt": True}, "annoloop dataset launch 'my set'"),
        ({"learnt": True, "tasks": 46}, "annoloop report"),
        ({"learnt": True, "tasks": 46, "measured": False}, "annoloop infer --batch FOLDER"),
        ({"model_version": ""}, "annoloop train"),
        ({"relabelled": True, "learnt": True}, "annoloop train --rerun"),
        ({"tasks": 0, "labeled": 0, "skipped": 0}, "annoloop infer --batch FOLDER"),
    ],
)
def test_next_command_follows_from_what_sync_saw(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], command: str
) -> None:
    _, err = printed(monkeypatch, print_sync, replace(REPORT, **changes))
    assert err[0].split("  ")[0] == f"next: {command}"


def test_answers_that_say_nothing_are_counted_and_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = ({"file": "images/1.jpg, task 7", "reason": "an answer is left out: why"},)
    report = replace(
        REPORT, empty=2, again="http://x/tab", unreadable_answers=rows, advice=("Do this.",)
    )
    out, err = printed(monkeypatch, print_sync, report)
    assert out[2:5] == [
        "not labelled: 2 tasks with an answer that says nothing",
        "not read: images/1.jpg, task 7: an answer is left out: why",
        "to answer again: http://x/tab",
    ]
    assert "Do this." in err
