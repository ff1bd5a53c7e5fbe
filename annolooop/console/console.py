"""Reports to stdout; progress, hints and errors to stderr."""

import dataclasses
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from annolooop.console.layout import lay_out_table, text_width, wrap
from annolooop.errors import AnnoloopError, UsageError

if TYPE_CHECKING:
    from annolooop.domain.progress import Objects

T = TypeVar("T")

FILES_NAMED = 10  # files that are named; of more, the rest is counted
PIPE_WIDTH = 80  # cells of a plot where no terminal limits it
BOLD, DIM, RED = "1", "2", "31"  # codes of a terminal
# Commands that hints name, and that are about a stack.
_STACK_COMMAND = re.compile(
    r"\bannoloop (?:(?:dataset|model|storage|cache) [a-z]+|stack (?:show|check)|"
    r"(?:start|next|up|down|status|logs|train|infer|sync|stats|report|doctor|backup|restore)\b)"
)
# A value for this run that may be a secret: it is not repeated.
_SECRET = re.compile(r"(?i)^((?:--set=)?[\w.]*(?:key|secret|token|connection|mlflow)\w*=).+")
# What a terminal would obey: control characters, but for line breaks, and what turns the
# direction of writing.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclasses.dataclass(frozen=True)
class Options:
    """The options that every command takes, and the command's name."""

    stack: str | None = None
    overrides: tuple[str, ...] = ()
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    command: str = ""
    typed: tuple[str, ...] = ()  # the words after `annoloop`


class Console:
    """Prints for one command. With ``--json`` only the report reaches stdout."""

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def width(self) -> int:
        """Cells that a plot may take on stdout."""
        return terminal_width(sys.stdout) or PIPE_WIDTH

    def print(self, text: str = "", indent: str = "  ") -> None:
        """A line of the report, to stdout; on a terminal, wrapped at words.

        Args:
            text: the line.
            indent: begins the lines that follow from wrapping.
        """
        self._write(sys.stdout, wrap(printable(text), terminal_width(sys.stdout), indent))

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        optional: Sequence[str] = (),
    ) -> None:
        """A table of the report, to stdout: as wide as it is in a pipe, fitted to a terminal.

        Args:
            columns: names.
            rows: cells.
            optional: columns that a narrow terminal does without, the first one first.
        """
        names, without = ([on_one_line(name) for name in some] for some in (columns, optional))
        cells = ([c if c is None else on_one_line(str(c)) for c in row] for row in rows)
        header, *lines = lay_out_table(names, cells, terminal_width(sys.stdout), without)
        self._write(sys.stdout, "\n".join([_styled(sys.stdout, header, BOLD), *lines]))

    def reasons(self, what: str, rows: Sequence[Mapping[str, str]]) -> None:
        """Lines of the report: each ``file`` with its ``reason``; of many, the first ones."""
        for row in rows[:FILES_NAMED]:
            self.print(f"{what}: {on_one_line(row['file'])}: {row['reason']}")
        if len(rows) > FILES_NAMED:
            self.print(f"{what}: {len(rows) - FILES_NAMED} more (--json lists all)")

    def objects(self, what: str, objects: "Objects") -> None:
        """Lines of the report: how many objects of the store, if any, and the first ones."""
        if objects.count:
            self.print(f"{what}: {objects.count}")
        for key in objects.first:
            self.print(f"  {on_one_line(key)}")
        if objects.count > len(objects.first):
            self.print(f"  and {objects.count - len(objects.first)} more")

    def say(self, text: str) -> None:
        """What is going on, to stderr, unless ``--quiet``."""
        if not self.options.quiet:
            self._write(sys.stderr, wrap(printable(text), terminal_width(sys.stderr)))

    def next(self, command: str, why: str = "") -> None:
        """The next command to type, to stderr, unless ``--quiet``. It stays on one line."""
        if self.options.quiet:
            return
        label, command = "next:", printable(self._with_stack(command))
        width = terminal_width(sys.stderr)
        why = printable(self._with_stack(why))
        fits = width is None or text_width(f"{label} {command}  {why}") <= width
        line = f"{_styled(sys.stderr, label, DIM)} {_styled(sys.stderr, command, BOLD)}"
        if why and fits:
            line += f"  {why}"
        elif why:
            line += f"\n{wrap(f'      {why}', width)}"
        self._write(sys.stderr, line)

    def next_typed(self, add: str = "", without: str = "") -> None:
        """The command that was typed as the next one, with another option, or without one."""
        words = [_SECRET.sub(r"\1...", word) for word in self.options.typed if word != without]
        self.next(" ".join(["annoloop", *map(quote, words), add]).rstrip())

    def error(self, error: AnnoloopError) -> None:
        """One clear error: what happened and to what, then what to type next."""
        self._labelled("error:", error.message, RED)
        if error.hint:
            self._labelled("fix:", self._with_stack(error.hint), DIM)

    def confirm(self, lines: Sequence[str], question: str, without: str = "") -> bool:
        """Ask a person at the terminal.

        Args:
            lines: what will be done; printed above the question.
            question: to be answered with yes or no.
            without: the command that needs no answer, for the error where nobody can be asked;
                without it, the answer is no there.

        Raises:
            UsageError: stdin is not a terminal.
            KeyboardInterrupt: the person pressed Ctrl-C or closed the input.
        """
        import typer

        if not sys.stdin.isatty():
            if not without:
                return False
            text = "\n".join([*lines, "No terminal to ask at, so nothing was changed."])
            raise UsageError(text, without)
        try:
            return typer.confirm(printable("\n".join([*lines, question])), err=True)
        except typer.Abort:
            raise KeyboardInterrupt from None

    def ask(self, question: str, default: str | None, check: Callable[[str], object]) -> str:
        """Ask a person at the terminal for a text, until it is one that can be used.

        Args:
            question: what is asked for.
            default: what Enter alone stands for, if anything.
            check: raises an error where the text cannot be used; the error is shown.

        Raises:
            KeyboardInterrupt: the person pressed Ctrl-C or closed the input.
        """
        import typer

        while True:
            try:
                text = str(typer.prompt(printable(question), default=default, err=True))
            except typer.Abort:
                raise KeyboardInterrupt from None
            try:
                check(text)
            except AnnoloopError as error:
                self._labelled("error:", error.message, RED)
            else:
                return text

    def json(self, report: object) -> None:
        """The report record as one JSON document on stdout."""
        plain = (sys.stdout.encoding or "utf-8").lower() not in ("utf-8", "utf8")
        text = json.dumps(report, default=_plain, ensure_ascii=plain, indent=2)
        shown = _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
        self._write(sys.stdout, shown)

    def track(self, items: Iterable[T], stage: str, total: int | None = None) -> Iterator[T]:
        """Pass the items through, showing stage, rate and time left on stderr."""
        if total is None and isinstance(items, Sequence):
            total = len(items)
        if self.options.quiet or total == 0:
            return iter(items)
        from annolooop.console.progress import track_with_bar, track_with_lines

        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            return track_with_bar(items, stage, total, time.monotonic())
        return track_with_lines(items, stage, total, time.monotonic(), self.say)

    def _labelled(self, label: str, text: str, code: str) -> None:
        """A label of one word, and the text beside it."""
        width = terminal_width(sys.stderr)
        start = f"{label:<6} "
        wrapped = wrap(start + printable(text), width, " " * len(start))
        self._write(sys.stderr, _styled(sys.stderr, label, code) + wrapped[len(label) :])

    def _with_stack(self, advice: str) -> str:
        """Advice with the ``--stack`` that was typed: without it, commands use another stack."""
        stack = self.options.stack
        if not stack or "--stack" in advice:
            return advice
        return _STACK_COMMAND.sub(lambda match: f"{match[0]} --stack {quote(stack)}", advice)

    @staticmethod
    def _write(stream: TextIO, text: str) -> None:
        stream.write(f"{text}\n")
        stream.flush()


def terminal_width(stream: TextIO) -> int | None:
    """Cells of a line where a stream is a terminal; ``None`` where it is a pipe or a file."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def _styled(stream: TextIO, text: str, code: str) -> str:
    """Text in bold, dim or red on a terminal that can; as it is elsewhere."""
    if not text or not stream.isatty() or os.environ.get("TERM") == "dumb":
        return text
    if code == RED:
        if os.environ.get("NO_COLOR"):
            return text
        code = f"{BOLD};{RED}"
    return f"\x1b[{code}m{text}\x1b[0m"


def printable(text: str) -> str:
    """Text in which others may have put anything: what a terminal would obey becomes escapes."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def on_one_line(name: str) -> str:
    """The same of a name, which is on one line."""
    return printable(name).replace("\n", "\\n")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {f.name: getattr(value, f.name) for f in fields if not f.metadata.get("not_in_json")}
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be shown as JSON")
