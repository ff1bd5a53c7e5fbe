"""`annoloop simulate`: labelling a folder again whose labels are known."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop import completion
from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.loop.simulate.simulate import SimulatedStrategy, SimulateReport

LINES = 8  # of the table of accuracies, about
ABREAST = 4  # accuracies that fit beside each other
NOISY = 0.9  # of the budget: random's own curve crosses where it ends, but for chance


def simulate(
    console: Console,
    images: Annotated[
        Path, typer.Option("--images", help="Folder with a folder of images for each label.")
    ],
    strategies: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy",
            metavar="NAME",
            help="What chooses images; repeatable; default: auto. random is always there.",
            autocompletion=completion.strategies,
        ),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Replays of each strategy.")] = 5,
    query: Annotated[int, typer.Option("--query", min=1, help="Labels a round.")] = 20,
    budget: Annotated[int, typer.Option("--budget", min=2, help="Labels in all.")] = 500,
    out: Annotated[
        Path | None, typer.Option("--out", help="Table to write: .csv, .jsonl or .parquet.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Plot to write: .html.")] = None,
) -> "SimulateReport":
    """Replay a labelled folder: which strategy needs fewer labels?

    A part of the images is kept for tests. Of the others each strategy chooses in rounds, as
    `infer --query` does; the folders answer, and a head is fitted as `train` fits it. Neither
    Label Studio nor the store is needed; embeddings are kept in the cache.

    Strategies: auto, random, least_confidence, margin, entropy, typiclust, coreset, badge,
    clustered_margin.
    """
    from annolooop.loop.simulate.simulate import SimulateOptions
    from annolooop.loop.simulate.simulate import simulate as run
    from annolooop.stack import open_stack

    options = SimulateOptions(
        images, tuple(strategies or ["auto"]), seeds, query, budget, out, plot
    )
    return run(open_stack(console), options, console.track)


def show(console: Console, report: "SimulateReport") -> None:
    """Print accuracies by labels, what is saved, and what was left out."""
    kept = "" if report.embedded else ", embeddings from the cache"
    console.print(
        f"{report.images} images of {len(report.labels)} labels: {report.pool} to ask about, "
        f"{report.test} to test on; {counted(report.seeds, 'replay')}{kept}"
    )
    console.reasons("left out", report.left_out)
    points = [{p.labels: p for p in strategy.points} for strategy in report.strategies]
    common = sorted(set.intersection(*(set(row) for row in points)))
    lines = _some(common, LINES if len(points) <= ABREAST else ABREAST)
    cells = [["labels", *(strategy.name for strategy in report.strategies)]]
    for labels in lines:
        told = (f"{row[labels].accuracy:.3f} ± {row[labels].error:.3f}" for row in points)
        cells.append([str(labels), *told])
    if len(points) > ABREAST:  # a line for each strategy, as so many columns do not fit
        cells = [list(row) for row in zip(*cells, strict=True)]
    console.table(cells[0], cells[1:])
    console.print(f"labels for what random reaches with {report.budget}:")
    for strategy in report.strategies:
        if strategy.name != "random":
            console.print(f"  {strategy.name}: {_saving(strategy)}")
    first = next(s.needed for s in report.strategies if s.name == "random")
    if first and first < NOISY * report.budget:
        console.say(
            f"random's own curve is there with {first:.0f} for the first time, so what is saved is "
            "told too high: chance moves the curves. More replays help: --seeds 20"
        )
    for file in (report.out, report.plot):
        if file:
            console.print(f"written: {file}")
    console.print(f"{report.seconds:.1f} s")


def _some(labels: list[int], lines: int) -> list[int]:
    """The first, the last, and some that are about evenly spread by factors between."""
    if len(labels) <= lines:
        return labels
    last = len(labels) - 1
    return [
        labels[i]
        for i in sorted({round((last + 1) ** (k / (lines - 1))) - 1 for k in range(lines)})
    ]


def _saving(strategy: "SimulatedStrategy") -> str:
    if strategy.needed is None or strategy.saved is None:
        return "it does not get there"
    spread = f" ± {strategy.error:.0%}" if strategy.error else ""
    return f"{strategy.needed:.0f}, so {strategy.saved:.0%}{spread} are saved"
