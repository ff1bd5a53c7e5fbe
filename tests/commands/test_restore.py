"""What `annoloop restore` and `annoloop backup` print."""

from dataclasses import replace

import pytest
from support.printed import printed

from annolooop.commands.backup import print_backup
from annolooop.commands.restore import print_restore
from annolooop.loop.dataset.restore import RestoreReport
from annolooop.loop.setup.backup import BackupListReport, BackupReport, BackupRow, PutBackReport

REPORT = RestoreReport(
    dataset="cats",
    snapshot=4,
    project="cats",
    made=True,
    answers=20,
    there=0,
    added=20,
    changed=0,
    newer=0,
    lost=0,
    accounts=(),
    people={"ann@x.org": (20, 20)},
    labels={"cat": (12, 12), "dog": (8, 8)},
    times=True,
    url="",
    seconds=1.0,
)


def test_counts_by_person_and_label_stand_beside_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, err = printed(monkeypatch, print_restore, REPORT)
    text = " ".join(" ".join(out).split())
    assert "made: the Label Studio project cats" in text
    assert "of the 20 answers of snapshot 4, 0 were there, and 20 were added" in text
    assert "person in snapshot 4 now ann@x.org 20 20" in text
    assert "cat 12 12 dog 8 8" in text
    assert "annoloop sync" in " ".join(err)


def test_what_is_not_as_before_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    report = replace(REPORT, lost=2, newer=1, times=False, accounts=("bob@x.org",))
    text = " ".join(" ".join(printed(monkeypatch, print_restore, report)[0]).split())
    assert "not taken by Label Studio: 2 answers" in text
    assert "changed by people since, and left so: 1 answer" in text
    assert "shows the time of this command" in text
    assert "without a password: bob@x.org" in text
    assert report.exit_code == 5


def test_backups_are_listed_and_the_newest_is_the_next_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = BackupRow("backups/a.tar.gz", "2026-01-02T03:04:05", 2_000_000)
    out, err = printed(monkeypatch, print_restore, BackupListReport((row,)))
    assert "backups/a.tar.gz" in out[-1]
    assert "2.0 MB" in out[-1]
    assert "annoloop restore backups/a.tar.gz" in " ".join(err)
    err = printed(monkeypatch, print_restore, BackupListReport(()))[1]
    assert "annoloop backup" in " ".join(err)


def test_database_that_is_back_names_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    report = PutBackReport("a.tar.gz", "2026-01-02T03:04:05", "1.23.2", "/data/before.sqlite3")
    out, err = printed(monkeypatch, print_restore, report)
    assert "2026-01-02 03:04 UTC" in out[0]
    assert "/data/before.sqlite3" in " ".join(out)
    assert "annoloop up" in " ".join(err)


def test_backup_says_where_it_is_and_how_it_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    report = BackupReport("backups/a.tar.gz", 5000, ("backups/old.tar.gz",), 7, 0.1)
    out, err = printed(monkeypatch, print_backup, report)
    assert out == [
        "written: backups/a.tar.gz, 5.0 kB",
        "removed: 1 older backup",
        "kept: 7 backups",
    ]
    assert "annoloop restore backups/a.tar.gz" in " ".join(err)
    assert "from today" in printed(monkeypatch, print_backup, None)[0][0]
