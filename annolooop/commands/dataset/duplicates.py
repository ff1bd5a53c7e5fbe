"""`annoloop dataset duplicates`: images that show the same picture."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.dataset.arguments import NAME_IF_OTHER, OFFLINE
from annolooop.commands.wording import source
from annolooop.console.console import Console
from annolooop.loop.rounds.next_step import next_step

if TYPE_CHECKING:
    from annolooop.loop.quality.duplicates import DuplicateImage, DuplicatesReport

IMAGES_LISTED = 10  # of a group


def duplicates(
    console: Console,
    name: NAME_IF_OTHER = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="Show at most N groups.")
    ] = 20,
    near: Annotated[
        bool | None,
        typer.Option(
            "--near/--exact", help="Only near-duplicates, or only exact copies; default: both."
        ),
    ] = None,
    offline: OFFLINE = False,
) -> "DuplicatesReport":
    """List copies and near-duplicates of images.

    Examples:
      annoloop dataset duplicates
      annoloop dataset duplicates --exact     # copies with the same bytes only

    Those with different labels come first. Near-duplicates have nearly the same embedding by the
    current model version: the same picture in another size, file format or brightness, a crop of
    it, or the next photo of the same scene.
    """
    from annolooop.loop.quality.duplicates import duplicates
    from annolooop.stack import open_stack

    stack = open_stack(console)
    name = name or stack.config.dataset.name
    return duplicates(stack, name, near is not False, near is not True, limit, offline)


def print_duplicates(console: Console, report: "DuplicatesReport") -> None:
    """Print the groups, a line for each image."""
    for number, group in enumerate(report.groups, start=1):
        warning = ", DIFFERENT LABELS: one is probably wrong" if group.differ else ""
        console.print(f"{number}. {group.kind}, {len(group.images)} images{warning}")
        for image in group.images[:IMAGES_LISTED]:
            console.print(f"   {_line(image)}")
        if len(group.images) > IMAGES_LISTED:
            console.print(f"   and {len(group.images) - IMAGES_LISTED} more (--json lists all)")
    total = report.exact + report.near
    if total > len(report.groups):
        console.print(f"{total - len(report.groups)} more groups: --limit {total}")
    console.print(
        f"{report.dataset}: {report.images} images, {report.contents} different contents; "
        f"{report.exact} groups of exact copies, {report.near} of near-duplicates; "
        f"labels differ in {report.differing}"
    )
    console.print(f"annotations from {source(report.live, report.as_of, report.why_not_live)}")
    _print_near(console, report)
    if report.straddling:
        console.print(
            f"{report.straddling} groups cross the split: train --rerun moves each to one part, or "
            "leaves out the images that it must not learn from"
        )
    console.next(*next_step(report.state))


def _line(image: "DuplicateImage") -> str:
    if image.labels is None:
        return image.key
    side = f" ({image.side})" if image.side else ""
    return f"{image.key}: {' + '.join(image.labels) or 'none'}{side}"


def _print_near(console: Console, report: "DuplicatesReport") -> None:
    if report.limit is None:
        if report.why_no_near != "as asked":
            console.print(f"no search for near-duplicates: {report.why_no_near}")
        return
    how = "" if report.complete else "; approximate, because there are very many images"
    console.print(
        f"near: {report.compared} contents compared by {report.model_version}, distance below "
        f"{report.limit:.3f}{how}"
    )
    if report.without_embedding:
        console.print(f"{report.without_embedding} contents have no embedding by it")
