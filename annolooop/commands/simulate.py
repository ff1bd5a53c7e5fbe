"""`annoloop simulate`: label a folder again whose labels are known."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop import completion
from annolooop.console.console import Console
from annolooop.errors import counted
from annolooop.model.choosing.names import NAMES

if TYPE_CHECKING:
    from annolooop.loop.simulate.simulate import SimulatedStrategy, SimulateReport

ROWS = 8  # of the table of accuracies, about
COLUMNS = 4  # strategies that fit side by side
# Chance moves random's own curve; where it crosses its last value much earlier, say so.
EARLY_CROSSING = 0.9  # of the budget


def simulate(
    console: Console,
    images: Annotated[
        Path, typer.Option("--images", help="Folder that has one folder of images per label.")
    ],
    strategies: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy",
            metavar="NAME",
            help=f"Strategy to replay: {', '.join(NAMES)}; repeatable; default: auto. random is "
            "always replayed too.",
            autocompletion=completion.strategies,
        ),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Replays of each strategy.")] = 5,
    query: Annotated[int, typer.Option("--query", min=1, help="Labels per round.")] = 20,
    budget: Annotated[int, typer.Option("--budget", min=2, help="Labels in all.")] = 500,
    out: Annotated[
        Path | None, typer.Option("--out", help="Table to write: .csv, .jsonl or .parquet.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Plot to write: .html.")] = None,
) -> "SimulateReport":
    """Replay a labelled folder: which strategy needs fewer labels?

    Examples:
      annoloop simulate --images photos
      annoloop simulate --images photos --strategy margin --seeds 20

    Part of the images is kept for tests: those in the folder `test`, where there is one beside
    `train`. From the others each strategy chooses in rounds, as `infer --query` does; the folders
    give the answers, and a head is fitted as `train` fits it.
    It needs no Label Studio and no store; embeddings are kept in the cache.
    """
    from annolooop.loop.simulate.simulate import SimulateOptions, simulate
    from annolooop.stack import open_stack

    options = SimulateOptions(
        images, tuple(strategies or ["auto"]), seeds, query, budget, out, plot
    )
    return simulate(open_stack(console), options, console.track)


def print_simulate(console: Console, report: "SimulateReport") -> None:
    """Print accuracies by number of labels, what is saved, and what was left out."""
    cached = "" if report.embedded else ", embeddings from the cache"
    console.print(
        f"{report.images} images of {len(report.labels)} labels: {report.pool} to choose from, "
        f"{report.test} to test on; {counted(report.seeds, 'replay')}{cached}"
    )
    console.reasons("left out", report.left_out)
    _print_accuracies(console, report)
    console.print(f"labels needed for what random reaches with {report.budget}:")
    for strategy in report.strategies:
        if strategy.name != "random":
            console.print(f"  {strategy.name}: {_saving(strategy)}")
    crossing = next(s.needed for s in report.strategies if s.name == "random")
    if crossing and crossing < EARLY_CROSSING * report.budget:
        console.say(
            f"By chance, random itself reaches that with {crossing:.0f} labels already, so the "
            "saving is overstated. More replays help: --seeds 20"
        )
    for file in (report.out, report.plot):
        if file:
            console.print(f"written: {file}")
    console.print(f"{report.seconds:.1f} s")


def _print_accuracies(console: Console, report: "SimulateReport") -> None:
    points = [{p.labels: p for p in strategy.points} for strategy in report.strategies]
    common = sorted(set.intersection(*(set(row) for row in points)))
    few = len(points) <= COLUMNS
    cells = [["labels", *(strategy.name for strategy in report.strategies)]]
    for labels in _spread(common, ROWS if few else COLUMNS):
        accuracies = (f"{row[labels].accuracy:.3f} ± {row[labels].error:.3f}" for row in points)
        cells.append([str(labels), *accuracies])
    if not few:  # a row for each strategy, since so many columns do not fit
        cells = [list(row) for row in zip(*cells, strict=True)]
    console.table(cells[0], cells[1:])


def _spread(labels: list[int], rows: int) -> list[int]:
    """The first, the last, and some between that grow by about the same factor."""
    if len(labels) <= rows:
        return labels
    steps = ((len(labels)) ** (k / (rows - 1)) for k in range(rows))
    return [labels[i] for i in sorted({round(step) - 1 for step in steps})]


def _saving(strategy: "SimulatedStrategy") -> str:
    if strategy.needed is None or strategy.saved is None:
        return "not reached"
    spread = f" ± {strategy.error:.0%}" if strategy.error else ""
    return f"{strategy.needed:.0f}, so {strategy.saved:.0%}{spread} are saved"
