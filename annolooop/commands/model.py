"""`annoloop model`: versions, and which one is in force."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop import completion
from annolooop.commands.train import describe_backbone
from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.reports import ModelListReport, ModelReport, PromoteReport

VERSION = Annotated[
    str,
    typer.Argument(
        help="Model version: v3-1a2b3c, v3 or 3.", autocompletion=completion.model_versions
    ),
]


def list_(console: Console) -> "ModelListReport":
    """List the model versions of the dataset."""
    from annolooop.loop.model import list_models
    from annolooop.stack import open_stack

    return list_models(open_stack(console))


def show_list(console: Console, report: "ModelListReport") -> None:
    """Print a table."""
    if not report.versions:
        console.print("no model versions yet")
        console.next("annoloop train")
        return
    console.table(
        ("version", "", "parent", "backbone", "holdout", "made", "by"),
        [
            (
                row.name,
                "in force" if row.promoted else "" if row.trained else "untrained",
                row.parent,
                f"{row.backbone} ({row.tuned})" if row.tuned else row.backbone,
                counted(row.holdout, "image") if row.accuracy is None else f"{row.accuracy:.3f}",
                row.created_at[:16].replace("T", " "),
                row.created_by,
            )
            for row in report.versions
        ],
    )
    console.next(f"annoloop model show {report.versions[-1].name}")


def show(console: Console, version: VERSION) -> "ModelReport":
    """Show what a model version is made of."""
    from annolooop.loop.model import show_model
    from annolooop.stack import open_stack

    return show_model(open_stack(console), version)


def show_version(console: Console, report: "ModelReport") -> None:
    """Print the record, a line for each entry."""
    version = report.version
    rows = {
        "trained": "yes" if version.trained else "no: a fresh head",
        "in force": "yes" if report.promoted else "no",
        "parent": version.parent or "none",
        "labels": ", ".join(version.labels),
        "backbone": describe_backbone(version.backbone),
        "examples": f"snapshot {version.snapshot}, fingerprint {version.dataset_fingerprint}",
        "metrics": version.metrics,
        "config": version.config,
        "made": f"{version.created_at} by {version.created_by}",
    }
    console.print(version.name)
    for key, value in rows.items():
        console.print(f"  {key:<9} {value}")
    for promotion in report.promotions:
        console.print(f"  promoted  {promotion.at} by {promotion.by}")
    if not report.promoted:
        console.next(f"annoloop model promote {version.name}")


def promote(console: Console, version: VERSION) -> "PromoteReport":
    """Put a model version in force."""
    from annolooop.loop.model import promote as run
    from annolooop.stack import open_stack

    return run(open_stack(console), version)


def rollback(console: Console) -> "PromoteReport":
    """Put the parent of the version in force back in force."""
    from annolooop.loop.model import rollback as run
    from annolooop.stack import open_stack

    return run(open_stack(console))


def show_promoted(console: Console, report: "PromoteReport") -> None:
    """Print which version is in force now."""
    if report.changed:
        console.print(f"{report.model_version} is in force, in the place of {report.before}")
        console.next("annoloop infer --rerun", "shows people its predictions")
    else:
        console.print(f"{report.model_version} was in force already")
        console.next("annoloop model list")
