"""Where output goes, and how it looks on a terminal and in a pipe."""

import json
import sys
from io import BytesIO, TextIOWrapper

import pytest
from support.terminal import fake_terminal

from annolooop.console.console import Console, Options
from annolooop.domain.progress import Objects
from annolooop.errors import DataError, UsageError

LONG = "the images of all 5 tasks are in another store, or the folder of this one is not there now"


def test_report_goes_to_stdout_and_talk_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(Options())
    console.print("a row")
    console.say("a remark")
    console.next("annoloop up", "first")
    out, err = capsys.readouterr()
    assert out == "a row\n"
    assert err == "a remark\nnext: annoloop up  first\n"


def test_quiet_leaves_errors(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(Options(quiet=True))
    console.say("a remark")
    console.next("annoloop up")
    console.error(DataError("it is damaged", "Put it back."))
    assert capsys.readouterr().err == "error: it is damaged\nfix:   Put it back.\n"


def test_pipe_gets_unwrapped_lines_whatever_columns_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    console = Console(Options())
    console.print(LONG)
    console.table(("image", "why"), [(LONG, LONG)])
    out = capsys.readouterr().out
    assert out.splitlines()[0] == LONG
    assert out.splitlines()[2] == f"{LONG}  {LONG}"


@pytest.mark.parametrize("columns", [40, 80])
def test_terminal_gets_lines_wrapped_at_words(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    out, err = fake_terminal(monkeypatch, columns, "dumb")
    console = Console(Options())
    console.print(LONG)
    console.say(LONG)
    console.error(DataError(LONG, LONG))
    for text in (out.getvalue(), err.getvalue()):
        assert max(map(len, text.splitlines())) <= columns
        assert "".join(text.split()).replace("error:", "").replace("fix:", "") in (
            LONG.replace(" ", ""),
            3 * LONG.replace(" ", ""),
        )


def test_next_command_stays_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    _, err = fake_terminal(monkeypatch, 40, "dumb")
    command = "annoloop dataset export 'my set' --format csv --out my_set.csv"
    Console(Options()).next(command, "to look at the labels in a spreadsheet")
    first, *rest = err.getvalue().splitlines()
    assert first == f"next: {command}"
    assert " ".join(" ".join(rest).split()) == "to look at the labels in a spreadsheet"


def test_dumb_terminal_gets_no_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = fake_terminal(monkeypatch, 80, "dumb")
    console = Console(Options())
    console.table(("a", "b"), [(1, 2)])
    console.error(DataError("x", "y"))
    assert "\x1b" not in out.getvalue() + err.getvalue()


def test_no_color_leaves_bold_and_takes_away_red(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = fake_terminal(monkeypatch, 80)
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(Options())
    console.table(("a", "b"), [(1, 2)])
    console.error(DataError("x", "y"))
    assert "\x1b[1m" in out.getvalue()
    assert "31m" not in err.getvalue()


def test_hints_name_the_stack_that_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(Options(stack="theirs"))
    console.next("annoloop dataset launch x")
    console.error(DataError("x", "Start it: annoloop up"))
    err = capsys.readouterr().err
    assert "next: annoloop dataset launch --stack theirs x" in err
    assert "annoloop up --stack theirs" in err


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("dataset accept --precision 0.9", "annoloop dataset accept --precision 0.9 --yes"),
        ("dataset accept --stack b", "annoloop dataset accept --stack b --yes"),
        (
            "dataset accept --set s3.secret_key=hush --set train.seed=3",
            "annoloop dataset accept --set s3.secret_key=... --set train.seed=3 --yes",
        ),
        ("x --set=label_studio.api_key=hush", "annoloop x --set=label_studio.api_key=... --yes"),
    ],
)
def test_command_that_was_typed_is_spelled_out(
    capsys: pytest.CaptureFixture[str], typed: str, line: str
) -> None:
    words = tuple(typed.split())
    stack = "b" if "--stack" in words else None
    Console(Options(stack=stack, typed=words)).next_typed("--yes")
    assert capsys.readouterr().err == f"next: {line}\n"


def test_command_that_was_typed_is_spelled_out_without_an_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Console(Options(typed=("infer", "a b", "--dry-run"))).next_typed(without="--dry-run")
    assert capsys.readouterr().err == "next: annoloop infer 'a b'\n"


def test_of_many_files_the_first_ones_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"file": f"{n}.jpg", "reason": "empty"} for n in range(12)]
    Console(Options()).reasons("unreadable", rows)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert lines[-1] == "unreadable: 2 more (--json lists all)"


def test_control_characters_in_a_name_are_shown_as_escapes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Console(Options()).objects("new", Objects(1, ("a\x1b[31m\n.jpg",)))
    assert capsys.readouterr().out == "new: 1\n  a\\x1b[31m\\n.jpg\n"


def test_nobody_to_ask_is_an_error_that_names_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", open("/dev/null", encoding="utf-8"))  # noqa: PTH123, SIM115
    with pytest.raises(UsageError, match="nothing was changed") as refused:
        Console(Options()).confirm(["This deletes x."], "Delete it?", "annoloop ... --yes")
    assert refused.value.hint == "annoloop ... --yes"
    assert Console(Options()).confirm(["This makes x."], "Do it?") is False


CODES = "\x1b]0;x\x07\x9b31m\u202egpj.\r"  # a title, red, from right to left, a new begin
SHOWN = "\\x1b]0;x\\x07\\x9b31m\\u202egpj.\\r"


def test_codes_for_a_terminal_are_shown_and_not_sent(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(Options())
    console.print(f"a {CODES}\nb")
    console.table((CODES,), [(f"{CODES}\nb",)])
    console.say(CODES)
    console.next(CODES, CODES)
    console.error(DataError(CODES, CODES))
    out, err = capsys.readouterr()
    assert out == f"a {SHOWN}\nb\n{SHOWN}\n{SHOWN}\\nb\n"
    assert err.count(SHOWN) == 5
    assert not set(out + err) & set("\x1b\x07\x9b\u202e\r")


def test_codes_for_a_terminal_are_escaped_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    Console(Options(json=True)).json({"name": CODES})
    out = capsys.readouterr().out
    assert json.loads(out) == {"name": CODES}
    assert not set(out) & set("\x1b\x07\x9b\u202e\r")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_json_can_be_read_whatever_the_encoding(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    written = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(written, encoding, "backslashreplace"))
    report = {"name": "\u00fc \u4e2d \U0001f600 \udcff"}
    Console(Options(json=True)).json(report)
    assert json.loads(written.getvalue().decode(encoding)) == report
