"""`annoloop dataset describe`: all facts about a dataset."""

from typing import TYPE_CHECKING

from annolooop.commands.dataset.arguments import NAME_IF_OTHER, OFFLINE
from annolooop.commands.wording import moment, size, source
from annolooop.console.console import Console
from annolooop.errors import counted
from annolooop.loop.rounds.next_step import next_step

if TYPE_CHECKING:
    from annolooop.loop.quality.describe import DescribeReport


def describe(
    console: Console, name: NAME_IF_OTHER = None, offline: OFFLINE = False
) -> "DescribeReport":
    """Show all facts about a dataset.

    Annotations are read from Label Studio; where it does not answer, from the last snapshot.
    """
    from annolooop.loop.quality.describe import describe
    from annolooop.stack import open_stack

    stack = open_stack(console)
    return describe(stack, name or stack.config.dataset.name, offline)


def print_describe(console: Console, report: "DescribeReport") -> None:
    """Print a line for each fact, and the labels as a table."""
    project = report.project
    rows = {
        "dataset": report.dataset,
        "project": f"{project.id} {project.title}, {project.url}" if project else None,
        "annotations": source(report.live, report.as_of, report.why_not_live),
        "choice": f"{report.choice}, agreement {report.agreement}, holdout {report.holdout:g}",
        "images": f"{report.images}, {size(report.image_bytes)}"
        + (f", {report.missing_images} of them are missing" if report.missing_images else ""),
        "tasks": f"{'' if report.tasks is None else f'{report.tasks}, '}"
        f"{report.labeled_tasks} annotated, {report.skipped_tasks} skipped"
        + _some(report.empty_tasks, "with an answer that says nothing")
        + _some(report.unreadable_tasks, "with one that cannot be read"),
        "labelled": f"{counted(report.labeled_images, 'image')}: {report.split.train} train, "
        f"{report.split.holdout} holdout; {report.disputed} disputed"
        + _some(report.other_answers, "with another answer")
        + _some(report.unknown_labels, "with a label that dataset.labels does not have"),
        "annotators": ", ".join(f"{who}: {n}" for who, n in report.annotators.items()) or "none",
        "snapshots": f"{report.snapshots}"
        + (f", newest {moment(report.newest_snapshot)}" if report.newest_snapshot else ""),
        "models": f"{report.model_versions}, current: {report.model_version or 'none'}",
        "fingerprint": report.fingerprint,
    }
    for key, value in rows.items():
        if value is not None:
            console.print(f"{key:<12} {value}", " " * 13)
    console.print()
    console.table(
        ("label", "images", "train", "holdout"),
        [
            (label, counts.train + counts.holdout, counts.train, counts.holdout)
            for label, counts in report.labels.items()
        ],
    )
    console.next(*next_step(report.state))


def _some(count: int, what: str) -> str:
    return f", {count} {what}" if count else ""
