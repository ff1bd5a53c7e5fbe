"""Progress of a stage: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from annolooop.console.layout import format_rate

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")

SHORT_STAGE = 1.0  # seconds; a stage that ends sooner shows nothing
BAR_INTERVAL = 0.1  # seconds between two updates of a bar
LINE_INTERVAL = 5.0  # seconds between two lines


def track_with_bar(items: Iterable[T], stage: str, total: int | None, begun: float) -> Iterator[T]:
    """Pass the items through; on stderr, a bar with count, rate and time left.

    Args:
        items: of the stage.
        stage: its name.
        total: how many items there are, if that is known.
        begun: when the stage began, by the monotonic clock.
    """
    bar: Progress | None = None
    updated = begun
    done = 0
    try:
        for done, item in enumerate(items, start=1):
            yield item
            now = time.monotonic()
            # To draw takes longer than some items do.
            if now - begun < SHORT_STAGE or now - updated < BAR_INTERVAL:
                continue
            updated = now
            if bar is None:
                bar = _make_bar()
                bar.add_task(stage, total=total, rate="")
                bar.start()
            bar.update(bar.task_ids[0], completed=done, rate=format_rate(done / (now - begun)))
        if bar is not None:
            bar.update(bar.task_ids[0], completed=done)
    finally:
        if bar is not None:
            bar.stop()


def _make_bar() -> "Progress":
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description:<10}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TimeRemainingColumn(elapsed_when_finished=True),
        console=Console(stderr=True),
    )


def track_with_lines(
    items: Iterable[T], stage: str, total: int | None, begun: float, write: Callable[[str], None]
) -> Iterator[T]:
    """Pass the items through; write a line every few seconds, and one at the end.

    Args:
        items, stage, total, begun: as for :func:`track_with_bar`.
        write: takes a line.
    """
    written = begun
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - begun < SHORT_STAGE or (done != total and now - written < LINE_INTERVAL):
            continue
        written = now
        rate = done / (now - begun)
        line = f"{stage}: {done}" + (f"/{total}" if total else "") + f", {format_rate(rate)}"
        if total and done < total:
            line += f", {(total - done) / rate:.0f} s left"
        write(line)
