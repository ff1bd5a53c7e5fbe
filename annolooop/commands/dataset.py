"""`annoloop dataset` and `annoloop stats`."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop import completion
from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.reports import AdoptReport, DatasetListReport, LaunchReport, StatsReport

NAME = Annotated[
    str, typer.Argument(help="Name of the dataset.", autocompletion=completion.datasets)
]
NAME_IF_OTHER = Annotated[
    str | None,
    typer.Argument(
        help="Name of the dataset; default: the stack's.", autocompletion=completion.datasets
    ),
]
OFFLINE = Annotated[
    bool, typer.Option("--offline", help="Go by the last snapshot; leave Label Studio alone.")
]


def stats(console: Console, name: NAME_IF_OTHER = None) -> "StatsReport":
    """Count tasks, labels, and what people did with the predictions."""
    from annolooop.loop.stats import stats as run
    from annolooop.stack import open_stack

    stack = open_stack(console)
    return run(stack, name or stack.config.dataset.name)


def stats_of(console: Console, name: NAME) -> "StatsReport":
    """Count tasks, labels, and what people did with the predictions."""
    return stats(console, name)


def show_stats(console: Console, report: "StatsReport") -> None:
    """Print counts, labels, and a line for each model version."""
    console.print(
        f"{report.dataset}: {counted(report.total, 'task')}, {report.labeled} labelled, "
        f"{report.unlabeled} to do, {report.skipped} skipped"
    )
    if report.outdated:
        console.print(f"{report.outdated} labelled tasks whose picture has changed since")
    if report.vanished:
        console.print(f"{counted(report.vanished, 'task')} whose image vanished from the store")
    if report.disputed:
        console.print(f"{report.disputed} labelled tasks on which people disagree")
    console.table(("label", "labelled"), report.labels.items())
    if report.model_versions:
        console.print()
        console.table(
            ("model version", "predictions", "accepted", "overridden", ""),
            [
                (v, s.predictions, s.accepted, s.overridden, "shown" * (v == report.model_version))
                for v, s in report.model_versions.items()
            ],
        )
    if report.unlabeled:
        console.next(f"annoloop dataset launch {quote(report.dataset)}")
    else:
        console.next("annoloop train --rerun")


def list_(console: Console) -> "DatasetListReport":
    """List the datasets of the store and of Label Studio."""
    from annolooop.loop.dataset import list_datasets
    from annolooop.stack import open_stack

    return list_datasets(open_stack(console))


def show_list(console: Console, report: "DatasetListReport") -> None:
    """Print a table."""
    if not report.datasets:
        console.print("no datasets yet")
        console.next("annoloop train")
        return
    console.table(
        ("dataset", "tasks", "labelled", "model version"),
        [(r.name, r.tasks, r.labeled, r.model_version) for r in report.datasets],
    )
    console.next(f"annoloop dataset stats {quote(report.datasets[0].name)}")


def launch(
    console: Console,
    name: NAME,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser, or print the address.")
    ] = True,
) -> "LaunchReport":
    """Open the labelling stream in the browser, logged in."""
    from annolooop.loop.dataset import launch as run
    from annolooop.stack import open_stack

    return run(open_stack(console), name, browser)


def show_launch(console: Console, report: "LaunchReport") -> None:
    """Print the address."""
    console.print(report.url)
    if not report.opened:
        console.say("The login is in the file that `annoloop up` names.")
    console.next(f"annoloop dataset stats {quote(report.dataset)}", "when some are annotated")


def adopt(
    console: Console,
    project: Annotated[str, typer.Argument(help="Title or id of a Label Studio project.")],
) -> "AdoptReport":
    """Make a project of Label Studio that of the stack's dataset.

    The project gets the labels that it lacks, shows predictions, and serves the least sure tasks
    first. `annoloop sync` then copies its images into the store, and notes their keys in the
    data of its tasks.
    """
    from annolooop.loop.adopt import adopt as run
    from annolooop.stack import open_stack

    return run(open_stack(console), project)


def show_adopted(console: Console, report: "AdoptReport") -> None:
    """Print what was taken over."""
    console.print(
        f"{report.title} ({report.project}) is the project of {report.dataset}: "
        f"{counted(report.tasks, 'task')}, {counted(report.annotations, 'annotation')}"
    )
    console.print(f"labels: {', '.join(report.labels)}")
    if report.labels_added:
        console.print(f"added: {', '.join(report.labels_added)}")
    console.next("annoloop sync")
