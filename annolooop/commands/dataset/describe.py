"""`annoloop dataset describe`: everything at a glance."""

from shlex import quote
from typing import TYPE_CHECKING

from annolooop.commands.dataset.arguments import NAME_IF_OTHER, OFFLINE
from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.loop.quality.describe import DescribeReport


def describe(
    console: Console, name: NAME_IF_OTHER = None, offline: OFFLINE = False
) -> "DescribeReport":
    """Tell everything about a dataset at a glance.

    Annotations are read from Label Studio; where it does not answer, from the last snapshot.
    """
    from annolooop.loop.quality.describe import describe as run
    from annolooop.stack import open_stack

    stack = open_stack(console)
    return run(stack, name or stack.config.dataset.name, offline)


def show(console: Console, report: "DescribeReport") -> None:
    """Print a line for each part, and the labels as a table."""
    project = report.project
    rows = {
        "dataset": report.dataset,
        "project": f"{project.id} {project.title}, {project.url}" if project else None,
        "based on": based_on(report.live, report.as_of, report.why_not_live),
        "choice": f"{report.choice}, agreement {report.agreement}, holdout {report.holdout:g}",
        "images": f"{report.images}, {_size(report.image_bytes)}"
        + (f", {report.missing_images} of them are gone" if report.missing_images else ""),
        "tasks": f"{'' if report.tasks is None else f'{report.tasks}, '}"
        f"{report.labeled_tasks} annotated, {report.skipped_tasks} skipped",
        "labelled": f"{counted(report.labeled_images, 'image')}: {report.split.train} train, "
        f"{report.split.holdout} holdout; {report.disputed} disputed",
        "annotators": ", ".join(f"{who}: {n}" for who, n in report.annotators.items()) or "none",
        "snapshots": f"{report.snapshots}"
        + (f", newest {moment(report.newest_snapshot)}" if report.newest_snapshot else ""),
        "models": f"{report.model_versions}, {report.model_version or 'none'} in force",
        "fingerprint": report.fingerprint,
    }
    for key, value in rows.items():
        if value is not None:
            console.print(f"{key:<12} {value}")
    console.print()
    console.table(
        ("label", "images", "train", "holdout"),
        [
            (label, counts.train + counts.holdout, counts.train, counts.holdout)
            for label, counts in report.labels.items()
        ],
    )
    if report.labeled_images:
        out = quote(report.dataset.replace(" ", "_"))
        console.next(
            f"annoloop dataset export {quote(report.dataset)} --format csv --out {out}.csv"
        )
    else:
        console.next(f"annoloop dataset launch {quote(report.dataset)}")


def based_on(live: bool, as_of: str, why_not: str) -> str:
    """Where annotations were read, for people."""
    if live:
        return "Label Studio, now"
    told = f"the last snapshot, {moment(as_of)}" if as_of else "no snapshot: none was made yet"
    return f"{told} ({why_not})"


def moment(iso: str) -> str:
    """A time in UTC, to the minute."""
    return f"{iso[:16].replace('T', ' ')} UTC"


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
