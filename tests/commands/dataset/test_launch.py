"""What `annoloop dataset launch` prints."""

from dataclasses import replace

import pytest
from support.printed import printed

from annolooop.commands.dataset.launch import print_launch
from annolooop.loop.dataset.datasets import LaunchReport

ANSWERED = LaunchReport(url="http://x", dataset="my set", opened=True, round=2, asked=20)


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (ANSWERED, "next: annoloop next  = train --rerun, then infer --rerun --query 20"),
        (replace(ANSWERED, own=False), "next: annoloop dataset describe 'my set'"),
        (
            replace(ANSWERED, interrupted=3, left=4),
            "next: annoloop infer --query 20  to choose the next round",
        ),
        (
            replace(ANSWERED, left=4),
            "next: annoloop next  after labelling: learns from it, and asks the next",
        ),
    ],
)
def test_next_command_follows_from_the_round(
    monkeypatch: pytest.MonkeyPatch, report: LaunchReport, line: str
) -> None:
    assert printed(monkeypatch, print_launch, report)[1][-1] == line


@pytest.mark.parametrize("twice", [True, False])
def test_login_that_was_asked_for_twice_is_told_with_what_ends_it(
    monkeypatch: pytest.MonkeyPatch, twice: bool
) -> None:
    url = "http://127.0.0.1:8093/projects/1/data?tab=2"
    report = LaunchReport(url=url, dataset="cats", opened=True, login_used_twice=twice)
    out, err = printed(monkeypatch, print_launch, report)
    assert out == [url]
    assert ("http://127.0.0.1:8093/admin/password_change/" in " ".join(err)) == twice
