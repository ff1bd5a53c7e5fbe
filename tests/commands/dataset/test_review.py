"""What `annoloop dataset review` and `dataset history` say to type next."""

from dataclasses import replace

import pytest
from support.printed import printed

from annolooop.commands.dataset.history import print_history
from annolooop.commands.dataset.review import print_review
from annolooop.loop.dataset.history import HistoryReport, SnapshotRow
from annolooop.loop.quality.review import ReviewReport
from annolooop.loop.quality.review_records import Suspect

SUSPECT = Suspect(7, "a.png", "0" * 64, ("hat",), ("dress",), 0.9, "label", "")
REPORT = ReviewReport(
    dataset="my set",
    live=True,
    why_not_live="",
    as_of="2026-01-01T00:00:00+00:00",
    judged=60,
    suspects=(),
    in_doubt=0,
    overlaps=(),
    corrected=0,
    confirmed=0,
    still_open=0,
    decisions=(),
    round=0,
    url="",
    opened=False,
    own_server=True,
    left_out=(),
    seconds=1.0,
)
FOUND = replace(REPORT, suspects=(SUSPECT,), in_doubt=1)
OFFLINE = replace(FOUND, live=False, why_not_live="as asked", offline=True)


@pytest.mark.parametrize(
    ("report", "command"),
    [
        (FOUND, "annoloop dataset review"),
        (OFFLINE, "annoloop dataset review"),
        (replace(FOUND, live=False, why_not_live="no server"), "annoloop up"),
        (replace(FOUND, round=1, url="http://localhost/7"), "annoloop dataset review"),
        (replace(FOUND, own=False), "annoloop dataset describe 'my set'"),
        (replace(REPORT, corrected=2), "annoloop train --rerun"),
        (REPORT, "annoloop stats"),
    ],
)
def test_next_command_follows_from_what_the_review_found(
    monkeypatch: pytest.MonkeyPatch, report: ReviewReport, command: str
) -> None:
    last = printed(monkeypatch, print_review, report)[1][-1]
    assert last.partition("  ")[0] == f"next: {command}"


def test_newest_snapshot_is_exported_next(monkeypatch: pytest.MonkeyPatch) -> None:
    row = SnapshotRow(3, "2026-01-01T00:00:00+00:00", "ann", 4, 4, 0, {"ann": 4}, 4, 0, 0, False)
    err = printed(monkeypatch, print_history, HistoryReport("my set", 1, (row,)))[1]
    export = "annoloop dataset export 'my set' --snapshot 3 --format csv --out snapshot-3.csv"
    assert err[0].startswith(f"next: {export}")
    err = printed(monkeypatch, print_history, HistoryReport("my set", 0, ()))[1]
    assert err[0].startswith("next: annoloop sync")
