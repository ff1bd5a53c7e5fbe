"""The page's text: what it has, what it says where something is missing, and what it escapes."""

import re
from html import unescape

import pytest

from annolooop.domain.versions import ClassFigures, Estimate, Evaluation
from annolooop.page.content import (
    AnnotatorRow,
    Content,
    Effort,
    Missing,
    Picture,
    Pool,
    PoolRow,
    RoundRow,
    Since,
    Verdict,
    VersionPoint,
)
from annolooop.page.write import GENERATED, write

SURE = Estimate(0.9, 0.8, 0.95)


def content(**parts: object) -> Content:
    return Content("my set", "2026-01-02T03:04:05", "now", "v2-abcdef", ("a", "b"), False, **parts)  # type: ignore[arg-type]


def words(html: str) -> str:
    """What a reader sees, in one line; all spaces are plain ones."""
    body = html.partition("<body>")[2].partition('<script type="application/json"')[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_a_page_bears_the_mark_by_which_it_may_be_replaced() -> None:
    assert write(content()).startswith(GENERATED)


def test_the_head_names_dataset_and_day_and_what_is_done() -> None:
    text = words(write(content(effort=Effort(12, 20))))
    assert text.startswith("my set 2026-01-02 · now")
    assert "Labels so far 12 of 20 images" in text


def test_the_verdict_stands_first_with_its_interval_and_the_target() -> None:
    seen = Verdict("close", "Close", "So it is.", 0.925, SURE, 40, "holdout")
    html = write(content(verdict=seen))
    assert words(html).startswith("my set 2026-01-02 · now Close 90.0 % right (80.0 to 95.0 %)")
    assert "target 92.5 %" in words(html)
    assert 'class="verdict close"' in html
    # The line goes from 70 % to 100 %.
    assert 'class="range" style="left:33.3%;right:16.7%"' in html
    assert 'class="mark" style="left:75.0%"' in html


def test_what_comes_next_and_what_changed_are_said_in_words() -> None:
    since = Since("2026-01-01T00:00:00", ("3 labels more, 9 now",))
    text = words(write(content(next="People answer.", since=since)))
    assert "What comes next People answer." in text
    assert "Since the last report (2026-01-01) 3 labels more, 9 now" in text
    assert "This is the first report." in words(write(content()))
    assert "Nothing changed." in words(write(content(since=Since("2026-01-01"))))


def test_commands_stand_in_the_part_for_whoever_runs_it_alone() -> None:
    missing = {"people": Missing("Nobody did.", "to annotate", "annoloop up")}
    html = write(content(command="annoloop next", missing=missing))
    before, _, operator = html.partition('<section id="operator">')
    assert "<code>" not in before.partition("<body>")[2]
    assert "<code>annoloop next</code>" in operator
    assert "to annotate</dt><dd><code>annoloop up</code>" in operator


def test_all_images_are_counted_by_label() -> None:
    pool = Pool((PoolRow("a", 3, 5), PoolRow("b", 0, 1)), 10, 1)
    text = words(write(content(pool=pool)))
    assert "a 3 5 8 80 %" in text
    assert "Without a label and without a prediction yet: 1." in text


def test_a_word_is_explained_where_it_stands_and_in_the_glossary() -> None:
    html = write(content(annotators=(AnnotatorRow("ann", 3, alpha=SURE, shared=2),)))
    for word in re.findall(r'popovertarget="([\w-]+)"', html):
        assert f'popover id="{word}"' in html
        assert f'<div id="{word.removeprefix("about-")}"><dt>' in html
    assert 'popovertarget="about-agreement"' in html


def test_sections_without_anything_to_show_or_say_are_left_out() -> None:
    html = write(content(missing={"people": Missing("Nobody annotated.")}))
    assert re.findall(r'<section id="(\w+)">', html) == ["people", "operator", "glossary"]
    assert re.findall(r'<a href="#(\w+)">', html) == ["people", "glossary"]


def test_versions_and_rounds_come_newest_first() -> None:
    versions = tuple(
        VersionPoint(n, f"v{n}", "2026-01-01", 1234 * n, 30, SURE, n == 2, n == 1) for n in (1, 2)
    )
    rounds = tuple(RoundRow(n, "2026-01-01", "v1", "auto", 20, 10, 2) for n in (1, 2))
    text = words(write(content(versions=versions, rounds=rounds)))
    assert text.index("v2 2026-01-01") < text.index("v1 refused 2026-01-01")
    assert "2 468 30 90.0 % (80.0 to 95.0)" in text
    assert text.index("2 2026-01-01 v1 auto 20 10 2") < text.index("1 2026-01-01 v1 auto 20 10 2")


def test_a_version_without_an_accuracy_says_why() -> None:
    few = VersionPoint(1, "v1", "2026-01-01", 5, 3, Estimate())
    assert "too few to say" in words(write(content(versions=(few,))))


def test_multiple_choice_says_that_there_is_no_matrix() -> None:
    classes = {"a": ClassFigures(4, 4, SURE, Estimate())}
    text = words(write(content(evaluation=Evaluation(12, SURE, SURE, classes=classes))))
    assert "there is no matrix" in text
    assert "a 0 4 90.0 % (80.0 to 95.0) –" in text


@pytest.mark.parametrize(
    ("url", "linked"),
    [("http://ls/1", True), ("https://ls/1", True), ("javascript:1", False), ("", False)],
)
def test_pictures_are_linked_to_tasks_only(url: str, linked: bool) -> None:
    html = write(content(errors=(Picture("images/x.jpg", "a", "b", 0.9, url),)))
    assert (f'<a class="card" href="{url}"' in html) is linked
    assert "the image is gone" in html


def test_the_median_time_has_a_column_only_where_it_is_known() -> None:
    known = content(annotators=(AnnotatorRow("ann", 3, 2.5), AnnotatorRow("bob", 1)))
    text = words(write(known))
    assert "median time" in text
    assert "ann 3 2.5 s" in text
    assert "bob 1 –" in text
    assert "median time" not in words(write(content(annotators=(AnnotatorRow("bob", 1),))))


def test_corrections_by_review_have_a_column_only_where_there_are_some() -> None:
    row = AnnotatorRow("ann", 3, reviewed=5, corrected=2)
    text = words(write(content(annotators=(row,), reviews={"corrected": 2, "open": 1})))
    assert "corrected by review ann 3 – – – 2 of 5" in text
    assert "in a review : 2 corrected, 1 open." in text
    assert "corrected by review" not in words(write(content(annotators=(AnnotatorRow("b", 1),))))


def test_names_in_the_text_are_escaped() -> None:
    html = write(content(annotators=(AnnotatorRow("<b>&ann", 3),), outlook="<i>"))
    assert "<td>&lt;b&gt;&amp;ann</td>" in html
    assert "<i>" not in html.partition("<body>")[2].partition("<script>")[0]


def test_a_command_with_a_name_in_it_is_quoted_for_the_shell() -> None:
    html = write(content(suspects=(Picture("images/x.jpg", "a", "b", 0.1),)))
    assert "annoloop dataset review &#39;my set&#39;<" in html


def test_only_the_two_scripts_of_the_page_may_run() -> None:
    html = write(content())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy
    assert policy[1].count("'sha256-") == 2
    assert "default-src 'none'" in policy[1]
