"""`annoloop dataset review`: labels that may be wrong."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.dataset.arguments import BROWSER, NAME_IF_OTHER, OFFLINE
from annolooop.commands.wording import source
from annolooop.console.console import Console
from annolooop.loop.rounds.next_step import next_step

if TYPE_CHECKING:
    from annolooop.loop.quality.review import ReviewReport
    from annolooop.loop.quality.review_records import Suspect

PAIRS_NAMED = 5  # pairs of labels


def review(
    console: Console,
    name: NAME_IF_OTHER = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many images.")] = 50,
    push: Annotated[
        bool, typer.Option("--push", help="Make the tab also where no browser is opened.")
    ] = False,
    browser: BROWSER = True,
    offline: OFFLINE = False,
) -> "ReviewReport":
    """Find labels that are probably wrong, and let people decide.

    Examples:
      annoloop dataset review
      annoloop dataset review --no-browser          # list them
      annoloop dataset review --push --no-browser   # print the address of the tab

    Each label that people gave is compared with the predictions of models that did not learn from
    it. The images are opened in the tab "annoloop: review" of the Label Studio project, one after
    the other: Space confirms the label, the key of another label corrects it. The next review
    reports what was decided, and does not list confirmed labels again. With --json, too, it only
    lists them.
    """
    from annolooop.loop.quality.review import review
    from annolooop.stack import open_stack

    stack = open_stack(console)
    dataset = name or stack.config.dataset.name
    browse = browser and not console.options.json
    return review(stack, dataset, limit, push, console.track, offline, browse)


def _row(suspect: "Suspect") -> tuple[object, ...]:
    if suspect.reason.startswith("people"):
        return suspect.task, suspect.key, "", "", "", suspect.reason
    labels, suggested = (
        " + ".join(names) or "none" for names in (suspect.labels, suspect.suggested)
    )
    return suspect.task, suspect.key, labels, suggested, f"{suspect.confidence:.3f}", ""


def print_review(console: Console, report: "ReviewReport") -> None:
    """Print the suspects, the labels that overlap, and what was decided earlier."""
    console.print(
        f"{report.dataset}: {report.in_doubt} of {report.judged} labelled images are in doubt"
        + (f", {len(report.suspects)} shown" if len(report.suspects) < report.in_doubt else "")
    )
    console.print(f"annotations from {source(report.live, report.as_of, report.why_not_live)}")
    if report.suspects:
        console.table(
            ("task", "image", "label", "looks like", "confidence", ""),
            [_row(suspect) for suspect in report.suspects],
            ("task", "confidence"),
        )
    for overlap in report.overlaps[:PAIRS_NAMED]:
        console.print(
            f"{overlap.first} and {overlap.second}: {overlap.images} "
            f"{'image' if overlap.images == 1 else 'images'} of one look like the other"
        )
    if report.corrected or report.confirmed or report.still_open:
        console.print(
            f"earlier reviews: {report.corrected} corrected, {report.confirmed} confirmed, "
            f"{report.still_open} still open"
        )
    console.reasons("left out", report.left_out)
    if report.url:
        console.print(f"review {report.round}: {report.url}")
        console.say(
            "Space confirms a label, the key of another label corrects it."
            if report.own_server
            else "Open each image and change its label, or choose another one and then the same; "
            "then Update."
        )
    console.next(*next_step(report.state))
