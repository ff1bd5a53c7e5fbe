"""What `next` prints."""

from types import SimpleNamespace
from typing import Any

import pytest
from support.printed import printed

from annolooop.commands.next import print_next
from annolooop.loop.rounds.next_step import LoopState

LAUNCH = SimpleNamespace(left=20, waiting=0, round=2, url="http://x/", login=None, opened=False)
REPORT = SimpleNamespace(
    dataset="pets",
    train=None,
    too_few="4 labels of one kind",
    launch=LAUNCH,
    judged=None,
    sheets=False,
    state=LoopState(dataset="pets", opened=True, asked=20, left=20),
)


def lines(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> tuple[list[str], list[str]]:
    report = SimpleNamespace(**{**vars(REPORT), **changed})
    return printed(monkeypatch, print_next, report)


def test_round_without_a_version_says_why_and_where_to_label(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, err = lines(monkeypatch)
    assert out == [
        "learnt: nothing yet: 4 labels of one kind",
        "to label: 20 images of round 2: http://x/",
    ]
    assert err[-1].startswith("next: annoloop next")


def test_contact_sheet_is_named_once_it_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = "To label many images at a time instead: annoloop dataset sheet"
    assert sheet not in lines(monkeypatch)[1]
    assert sheet in lines(monkeypatch, sheets=True)[1]


@pytest.mark.parametrize(
    ("judged", "command"), [(24, "annoloop next --sheet"), (0, "annoloop stats")]
)
def test_after_a_sheet_comes_the_next_while_something_was_judged(
    monkeypatch: pytest.MonkeyPatch, judged: int, command: str
) -> None:
    out, err = lines(monkeypatch, judged=judged)
    assert out[-1] == f"judged: {judged} images on contact sheets"
    assert err[-1].startswith(f"next: {command}")
