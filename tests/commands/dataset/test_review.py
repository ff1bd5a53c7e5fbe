"""What `annoloop dataset review` prints, and when it opens the browser."""

from dataclasses import replace

import pytest
from support.printed import printed

from annolooop.commands.dataset.review import print_review
from annolooop.loop.quality.review import ReviewReport
from annolooop.loop.quality.review_records import LOOKS, Suspect

SUSPECT = Suspect(3, 4, "images/3.jpg", "f" * 64, ("hat",), ("dress",), 0.02, LOOKS, "")
LISTED = ReviewReport(
    dataset="cats",
    live=True,
    why_not_live="",
    as_of="",
    judged=80,
    suspects=(SUSPECT,),
    in_doubt=1,
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
OPENED = replace(LISTED, round=2, url="http://x/data?tab=2&labeling=1", opened=True)
NOTHING = replace(LISTED, suspects=(), in_doubt=0)


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (LISTED, "next: annoloop dataset review  to look at them in Label Studio"),
        (OPENED, "next: annoloop dataset review cats  after looking at them"),
        (replace(NOTHING, corrected=1), "next: annoloop train --rerun"),
    ],
)
def test_next_command_follows_from_what_was_found(
    monkeypatch: pytest.MonkeyPatch, report: ReviewReport, line: str
) -> None:
    assert printed(monkeypatch, print_review, report)[1][-1] == line


@pytest.mark.parametrize(("own", "how"), [(True, "Space confirms"), (False, "then Update")])
def test_it_says_how_people_answer_on_this_server(
    monkeypatch: pytest.MonkeyPatch, own: bool, how: str
) -> None:
    _, err = printed(monkeypatch, print_review, replace(OPENED, own_server=own))
    assert how in " ".join(err)
