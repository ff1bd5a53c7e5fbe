"""The snapshots of a dataset, and what comes after looking at them."""

import pytest
from support.printed import printed

from annolooop.commands.dataset.history import print_history
from annolooop.loop.dataset.history import HistoryReport, SnapshotRow


def test_newest_snapshot_is_exported_next(monkeypatch: pytest.MonkeyPatch) -> None:
    row = SnapshotRow(3, "2026-01-01T00:00:00+00:00", "ann", 4, 4, 0, {"ann": 4}, 4, 0, 0, False)
    err = printed(monkeypatch, print_history, HistoryReport("my set", 1, (row,)))[1]
    export = "annoloop dataset export 'my set' --snapshot 3 --format csv --out snapshot-3.csv"
    assert err[0].startswith(f"next: {export}")


def test_without_a_snapshot_answers_are_pulled_next(monkeypatch: pytest.MonkeyPatch) -> None:
    err = printed(monkeypatch, print_history, HistoryReport("my set", 0, ()))[1]
    assert err[0].startswith("next: annoloop sync")
