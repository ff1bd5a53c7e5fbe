"""Data to stdout, talk to stderr: reports, tables, progress, errors."""

import dataclasses
import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeVar

from annolooop.errors import AnnoloopError

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

    from annolooop.domain.progress import Objects

T = TypeVar("T")

SHOWN = 10  # files that are named before the rest is only counted
# Commands that hints name, and that are about a stack.
ADVISED = re.compile(
    r"\bannoloop (?:(?:dataset|model|storage|cache) [a-z]+|stack (?:show|check)|"
    r"(?:up|down|status|logs|train|infer|sync|stats|report|doctor)\b)"
)

_CODES = re.compile(r"[\x00-\x1f\x7f-\x9f]")

BAR_INTERVAL = 0.1  # seconds between two looks of a progress bar
PLAIN_INTERVAL = 5.0  # seconds between two progress lines where there is no terminal


@dataclasses.dataclass(frozen=True)
class Options:
    """What every command takes, and which one it is."""

    stack: str | None = None
    overrides: tuple[str, ...] = ()
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    command: str = ""


class Console:
    """Prints for one command. With ``--json`` only the report reaches stdout."""

    def __init__(self, options: Options) -> None:
        self.options = options

    @cached_property
    def _err(self) -> "RichConsole":
        # Rich is imported when something is printed: asking for help must not wait for it.
        from rich.console import Console as RichConsole

        return RichConsole(stderr=True, highlight=False, soft_wrap=True)

    def print(self, text: str = "") -> None:
        """A line of the report, to stdout, as it is."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table of the report, to stdout. Cells are shown as they are."""
        from rich.console import Console as RichConsole
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
        console = RichConsole(highlight=False)
        with console.capture() as drawn:
            console.print(table)
        self.print(drawn.get().rstrip("\n"))

    def reasons(self, what: str, rows: Sequence[Mapping[str, str]]) -> None:
        """Lines of the report: each ``file`` with its ``reason``; of many, the first ones."""
        for row in rows[:SHOWN]:
            self.print(f"{what}: {_on_a_line(row['file'])}: {row['reason']}")
        if len(rows) > SHOWN:
            self.print(f"{what}: {len(rows) - SHOWN} more (all with --json)")

    def objects(self, what: str, found: "Objects") -> None:
        """Lines of the report: how many objects of the store, if any, and the first ones."""
        if found.count:
            self.print(f"{what}: {found.count}")
        for key in found.first:
            self.print(f"  {_on_a_line(key)}")
        if found.count > len(found.first):
            self.print(f"  and {found.count - len(found.first)} more")

    def stages(self, seconds: Mapping[str, float], bottleneck: str, images: int) -> None:
        """A line of the report: how long each stage worked, and which one the others wait for."""
        total = seconds.get("total", 0.0)
        rate = f", {images / total:.1f} images/s" if total else ""
        spent = sorted(seconds.items(), key=lambda item: -item[1])
        told = [f"{name} {took:.1f} s" for name, took in spent if name != "total" and took >= 0.05]
        line = f"{total:.1f} s{rate}"
        if told:
            line += f"; work: {', '.join(told)}; bottleneck: {bottleneck}"
        self.print(line)

    def say(self, text: str) -> None:
        """What is going on, to stderr, unless ``--quiet``."""
        if not self.options.quiet:
            self._err.print(text, markup=False)

    def next(self, command: str, why: str = "") -> None:
        """The next command to type."""
        if not self.options.quiet:
            self._err.print("next:", style="dim", end=" ")
            self._err.print(self._here(f"{command}  {why}".rstrip()), style="bold", markup=False)

    def error(self, error: AnnoloopError) -> None:
        """One clear error: what and where, then what to type next."""
        self._err.print("error:", style="bold red", end=" ")
        self._err.print(error.message, markup=False)
        if error.hint:
            self._err.print("fix:  ", style="dim", end=" ")
            self._err.print(self._here(error.hint), markup=False)

    def _here(self, advice: str) -> str:
        """Advice with the stack file that was named: without it, commands are about another."""
        stack = self.options.stack
        if not stack or "--stack" in advice:
            return advice
        return ADVISED.sub(lambda found: f"{found[0]} --stack {quote(stack)}", advice)

    def json(self, report: object) -> None:
        """The report record as one JSON document on stdout."""
        json.dump(report, sys.stdout, default=_plain, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")

    def track(self, items: Iterable[T], stage: str, total: int | None = None) -> Iterator[T]:
        """Pass the items through, showing stage, rate and time left on stderr."""
        if total is None and isinstance(items, Sequence):
            total = len(items)
        if self.options.quiet or total == 0:
            return iter(items)
        if self._err.is_terminal:
            return self._track_bar(items, stage, total)
        return self._track_lines(items, stage, total, time.monotonic())

    def _track_bar(self, items: Iterable[T], stage: str, total: int | None) -> Iterator[T]:
        from rich import progress

        bar = progress.Progress(
            progress.TextColumn("{task.description:<10}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(elapsed_when_finished=True),
            console=self._err,
        )
        with bar:
            task = bar.add_task(stage, total=total, rate="")
            done, shown = 0, time.monotonic()
            for done, item in enumerate(items, start=1):
                yield item
                now = time.monotonic()
                if now - shown >= BAR_INTERVAL:  # to draw takes longer than some items do
                    shown = now
                    speed = bar.tasks[task].speed
                    bar.update(task, completed=done, rate=f"{speed:.1f}/s" if speed else "")
            bar.update(task, completed=done)

    def _track_lines(
        self, items: Iterable[T], stage: str, total: int | None, begun: float
    ) -> Iterator[T]:
        said = begun  # before the first item came
        for done, item in enumerate(items, start=1):
            yield item
            now = time.monotonic()
            if done == total or now - said >= PLAIN_INTERVAL:
                said = now
                rate = done / max(now - begun, 1e-9)
                line = f"{stage}: {done}" + (f"/{total}" if total else "") + f", {rate:.1f}/s"
                if total and done < total:
                    line += f", {(total - done) / rate:.0f} s left"
                self.say(line)


def _on_a_line(name: str) -> str:
    """A name as it is, but that others gave: one that holds codes for a terminal shows them."""
    return _CODES.sub(lambda found: found[0].encode("unicode_escape").decode(), name)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {f.name: getattr(value, f.name) for f in fields if not f.metadata.get("secret")}
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be shown as JSON")
