"""What `annoloop report` prints: what the page says at its top."""

from dataclasses import replace

import pytest
from support.printed import printed

from annolooop.commands.report import print_report
from annolooop.domain.versions import Estimate
from annolooop.loop.report.report import PageReport
from annolooop.page.content import Effort, Pool, Since, Verdict

REPORT = PageReport(
    dataset="clothes",
    created_at="2026-03-05T10:00:00+00:00",
    out="clothes-report.html",
    bytes=7_000_000,
    model_version="v5-0123ab",
    live=True,
    why_not_live="",
    as_of="",
    verdict=Verdict("close", "Close", "It is.", 0.9, Estimate(0.88, 0.8, 0.92), 100, "holdout"),
    effort=Effort(560, 1200, 570, 570, 2.4, 15.2, "2026-03-05T08:00:00Z", 60),
    next="People answer.",
    next_command="annoloop dataset launch clothes",
    since=Since("2026-03-01T10:00:00+00:00", ("9 labels more, 560 now",)),
    people=(),
    reviews={"corrected": 3, "open": 1},
    pool=Pool(),
    points=1200,
    missing={"curve": "There is none. To annotate more: annoloop next"},
    opened=False,
    seconds=5.0,
)


def test_the_verdict_and_the_figures_of_the_page_are_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, err = printed(monkeypatch, print_report, REPORT)
    assert out[0] == "clothes-report.html: 7.0 MB, 1200 images on the map, 5.0 s"
    assert "Close: It is." in out
    assert [line.partition(":")[0] for line in out[3:7]] == [
        "Labels so far",
        "Work so far",
        "Work to the target",
        "Waiting for people",
    ]
    assert "since 2026-03-01: 9 labels more, 560 now" in out
    assert "what comes next: People answer." in out
    assert "labels that a review asked about: 3 corrected, 1 open" in out
    assert err[-1] == "next: annoloop dataset launch clothes"


def test_a_report_is_not_what_comes_after_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    done = replace(REPORT, next_command="annoloop report", opened=True)
    _, err = printed(monkeypatch, print_report, done)
    assert err == []
