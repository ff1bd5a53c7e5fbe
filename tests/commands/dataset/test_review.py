"""What `annoloop dataset review` prints: how people answer, and what to type next."""

from dataclasses import replace

import pytest
from support.printed import printed

from annolooop.commands.dataset.review import print_review
from annolooop.loop.quality.review import ReviewReport
from annolooop.loop.quality.review_records import Suspect

SUSPECT = Suspect(7, 8, "a.png", "0" * 64, ("hat",), ("dress",), 0.9, "label", "")
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


@pytest.mark.parametrize(("own", "how"), [(True, "Space confirms"), (False, "then Update")])
def test_it_says_how_people_answer_on_this_server(
    monkeypatch: pytest.MonkeyPatch, own: bool, how: str
) -> None:
    opened = replace(FOUND, round=1, url="http://localhost/7", own_server=own)
    assert how in " ".join(printed(monkeypatch, print_review, opened)[1])
