"""`annoloop dataset` and `annoloop stats`."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop import completion
from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.records import Estimate
    from annolooop.reports import AdoptReport, DatasetListReport, LaunchReport, StatsReport

LABELS, VERSIONS = 8, 4  # lines of `stats`, which is to fit a terminal

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
    """Print what fits a terminal: the counts, the model, the round, people, and labels."""
    console.print(
        f"{report.dataset}: {counted(report.total, 'task')}, {report.labeled} labelled, "
        f"{report.unlabeled} to do, {report.skipped} skipped"
    )
    for count, one, what in (
        (report.outdated, "labelled task", "whose picture has changed since"),
        (report.vanished, "task", "whose image vanished from the store"),
        (report.disputed, "labelled task", "on which people disagree"),
        (report.accepted, "annotation", "made of predictions accepted unseen"),
    ):
        if count:
            console.print(f"{counted(count, one)} {what}")
    for line in (*_model_lines(report), *_people_lines(report)):
        console.print(line)
    _label_table(console, report)
    if report.model_versions:
        console.print()
        newest = list(report.model_versions.items())[-VERSIONS:]
        console.table(
            ("model version", "predictions", "accepted", "overridden", ""),
            [
                (v, s.predictions, s.accepted, s.overridden, "shown" * (v == report.model_version))
                for v, s in newest
            ],
        )
        if earlier := len(report.model_versions) - len(newest):
            console.print(f"{earlier} earlier ones (all with --json)")
    console.next(report.next)


def _model_lines(report: "StatsReport") -> list[str]:
    if not report.in_force or not report.holdout:
        return []
    found, holdout = report.evaluation, report.holdout
    if holdout.accuracy is None:
        return [f"model {report.in_force}: {holdout.n} labelled images in the holdout, too few"]
    head = f"model {report.in_force} on {holdout.n} images of the holdout (95 % intervals):"
    if not found:
        return [head, f"  accuracy {holdout.accuracy:.3f} ({holdout.low:.3f}-{holdout.high:.3f})"]
    figures = (
        f"accuracy {_figure(found.accuracy)}",
        f"balanced {_figure(found.balanced_accuracy)}",
        f"ECE {_figure(found.ece)}",
    )
    return [head, f"  {', '.join(figures)}"]


def _people_lines(report: "StatsReport") -> list[str]:
    lines = []
    if one := report.round:
        lines.append(
            f"round {one.number} ({one.strategy}, {one.created_at[:10]}): {one.answered} of "
            f"{one.asked} answered, {one.holdout} for the holdout"
        )
    answers = [
        f"{_figure(found.same)} of {found.n} {how}"
        for how, found in (("shown", report.shown), ("blind", report.blind))
        if found
    ]
    if answers:
        lines.append(f"same as the model: {', '.join(answers)}")
    if report.compared:
        side = "of the holdout" if report.compared == "holdout" else "outside of the holdout"
        lines.append(f"  (answers about images {side}, which were chosen alike)")
    elif len(answers) > 1:
        lines.append("  (these do not compare: they are about images chosen in different ways)")
    if report.people:
        lines.append(
            f"people agree: alpha {_figure(report.people.alpha)} on {report.people.images} images"
        )
    return lines


def _label_table(console: Console, report: "StatsReport") -> None:
    classes = report.evaluation.classes if report.evaluation else {}
    rows = []
    for label, n in list(report.labels.items())[:LABELS]:
        figures = classes.get(label)
        row: list[object] = [label, n]
        if classes:
            row += (
                [figures.n, _figure(figures.precision), _figure(figures.recall)] if figures else []
            )
        rows.append(row)
    more = ("holdout", "precision", "recall") if classes else ()
    console.table(("label", "labelled", *more), rows)
    if len(report.labels) > LABELS:
        console.print(f"{len(report.labels) - LABELS} more labels (all with --json)")


def _figure(estimate: "Estimate") -> str:
    if estimate.value is None:
        return "-"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} ({estimate.low:.2f}-{estimate.high:.2f})"


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
    """Open the labelling stream in the browser, logged in: the queue of the last query, if any."""
    from annolooop.loop.dataset import launch as run
    from annolooop.stack import open_stack

    return run(open_stack(console), name, browser)


def show_launch(console: Console, report: "LaunchReport") -> None:
    """Print the address, and how much of the queue is left."""
    console.print(report.url)
    if report.interrupted:
        console.say(
            f"round {report.interrupted} was interrupted before it became the queue; open is "
            f"what is left of round {report.round}"
        )
        console.next("annoloop infer --query 50", "to ask again")
        return
    if report.left:
        console.say(
            f"round {report.round}: {report.left} of {report.asked} tasks are to be answered. If "
            "the page goes on to others: `Label Tasks As Displayed`, in the tab of the round."
        )
    elif report.waiting:
        console.say(
            f"round {report.round}: {report.waiting} of {report.asked} tasks wait for someone else"
        )
    elif report.round:
        console.say(f"all {report.asked} tasks of round {report.round} are answered")
        console.next("annoloop train --rerun", "and then annoloop infer --rerun --query 50")
        return
    if report.login and not report.opened:
        console.say(f"The login is in {report.login}")
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
