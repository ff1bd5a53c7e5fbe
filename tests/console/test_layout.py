"""Lines and tables fit a width."""

import pytest

from annolooop.console.layout import format_rate, lay_out_table, text_width, wrap

TEXT = "not marked as vanished: 3 tasks, because more than half of the images vanished at once"


def test_text_without_a_width_stays_as_it_is() -> None:
    assert wrap(TEXT, None) == TEXT


def test_text_is_wrapped_at_words() -> None:
    lines = wrap(TEXT, 40).split("\n")
    assert max(map(len, lines)) <= 40
    assert " ".join(lines) == TEXT


def test_following_lines_are_indented_below_the_first() -> None:
    lines = wrap(f"  {TEXT}", 40, "  ").split("\n")
    assert lines[0].startswith("  not")
    assert all(line.startswith("    ") and line[4] != " " for line in lines[1:])


def test_word_longer_than_a_line_stays_whole() -> None:
    path = "/home/someone/photographs/of/the/year/2026/and/of/others/0001.jpg"
    assert path in wrap(f"the file {path} is not an image", 30).split("\n")


def test_command_is_not_broken_so_that_it_can_be_copied() -> None:
    text = "Start the server that the stack file describes: annoloop up --stack theirs"
    assert "annoloop up --stack theirs" in wrap(text, 50).split("\n")


def test_each_line_of_a_text_is_wrapped_by_itself() -> None:
    assert wrap("one\ntwo", 20) == "one\ntwo"


@pytest.mark.parametrize(("text", "cells"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("ä", 1)])
def test_width_counts_cells_of_a_terminal(text: str, cells: int) -> None:
    assert text_width(text) == cells


def test_table_in_a_pipe_is_as_wide_as_it_needs_to_be() -> None:
    rows = [("v1-0123456", "x" * 200)]
    header, row = lay_out_table(("version", "state"), rows, None)
    assert header == "version     state"
    assert row == f"v1-0123456  {'x' * 200}"


def test_narrow_table_leaves_out_the_optional_columns_in_their_order() -> None:
    columns = ("version", "accuracy", "made", "by")
    rows = [("v12-0123456", "0.93 (0.90 to 0.95)", "2026-01-02", "someone@example.org")]
    assert lay_out_table(columns, rows, 60, ("by", "made"))[0].split() == [
        "version",
        "accuracy",
        "made",
    ]
    assert lay_out_table(columns, rows, 40, ("by", "made"))[0].split() == ["version", "accuracy"]


def test_no_cell_is_cut_however_narrow_the_terminal() -> None:
    lines = lay_out_table(("version", "accuracy"), [("v12-0123456", "0.93 (0.90 to 0.95)")], 10)
    assert lines[1] == "v12-0123456  0.93 (0.90 to 0.95)"


def test_last_column_is_wrapped_at_words_below_itself() -> None:
    lines = lay_out_table(("task", "reason"), [("1", "people gave different answers " * 3)], 40)
    assert max(map(len, "\n".join(lines).split("\n"))) <= 40
    header, first, *rest = "\n".join(lines).split("\n")
    assert header == "task  reason"
    assert first.startswith("1     people")
    assert all(line.startswith(" " * 6) for line in rest)


def test_wide_characters_keep_columns_aligned() -> None:
    header, first, second = lay_out_table(("label", "n"), [("日本", 1), ("abcd", 22)], 40)
    assert text_width(first[: first.index("1")]) == second.index("22") == header.index("n")


def test_missing_cell_is_empty() -> None:
    assert lay_out_table(("a", "b"), [(None, 1)], None)[1] == "   1"


@pytest.mark.parametrize(
    ("rate", "text"), [(0.02, "1.2/min"), (0.25, "0.2/s"), (99.94, "99.9/s"), (1234.5, "1234/s")]
)
def test_rate_has_as_many_digits_as_matter(rate: float, text: str) -> None:
    assert format_rate(rate) == text
