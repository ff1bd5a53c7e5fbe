"""`annoloop stats`: the counts of the stack's dataset."""

from typing import TYPE_CHECKING

from annolooop.commands.dataset.arguments import NAME_IF_OTHER
from annolooop.commands.wording import describe_headline, short_estimate
from annolooop.console.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from annolooop.loop.quality.stats import StatsReport

WAYS = {"sheet": "on contact sheets", "blind-sheet": "on blind contact sheets"}
LABELS, VERSIONS = 8, 4  # rows of the two tables, so that all fits a terminal


def stats(console: Console, name: NAME_IF_OTHER = None) -> "StatsReport":
    """Count tasks, labels and agreement with the model.

    Examples:
      annoloop stats
      annoloop stats --json
    """
    from annolooop.loop.quality.stats import stats
    from annolooop.stack import open_stack

    stack = open_stack(console)
    return stats(stack, name or stack.config.dataset.name)


def print_stats(console: Console, report: "StatsReport") -> None:
    """Print the counts, the model, the round, people and labels."""
    console.print(
        f"{report.dataset}: {counted(report.total, 'task')}, {report.labeled} labelled, "
        f"{report.unlabeled} to do, {report.skipped} skipped"
    )
    for count, noun, what in (
        (report.empty, "task", "to do with an answer that says nothing"),
        (report.unreadable, "task", "to do with an answer that cannot be read"),
        (
            sum(report.other_answers.values()),
            "labelled task",
            f"with {_list(report.other_answers)}, which is no label",
        ),
        (
            sum(report.unknown_labels.values()),
            "labelled task",
            f"with {_list(report.unknown_labels)}, which dataset.labels does not have",
        ),
        (report.outdated, "labelled task", "whose image changed since"),
        (report.vanished, "task", "whose image vanished from the store"),
        (report.disputed, "labelled task", "on which people disagree"),
        (report.accepted, "annotation", "accepted from the model, seen by nobody"),
    ):
        if count:
            console.print(f"{counted(count, noun)} {what}")
    for line in (*_model_lines(report), *_people_lines(report)):
        console.print(line)
    _print_labels(console, report)
    if report.model_versions:
        _print_versions(console, report)
    for line in report.advice:
        console.say(line)
    if report.empty or report.unreadable:
        console.next("annoloop sync", "to make a tab of the tasks to answer again")
    console.next(report.next, report.next_why)


def _list(counts: "Mapping[str, int]") -> str:
    return ", ".join(counts)


def _print_versions(console: Console, report: "StatsReport") -> None:
    console.print()
    newest = list(report.model_versions.items())[-VERSIONS:]
    console.table(
        ("model version", "predictions", "accepted", "overridden", ""),
        [
            (v, s.predictions, s.accepted, s.overridden, "current" * (v == report.model_version))
            for v, s in newest
        ],
        ("predictions", "overridden"),
    )
    if earlier := len(report.model_versions) - len(newest):
        console.print(f"{earlier} earlier ones (--json lists all)")


def _model_lines(report: "StatsReport") -> list[str]:
    if not report.in_force or not report.holdout:
        return []
    from annolooop.loop.versions.headline import shows_calibration

    evaluation, holdout = report.evaluation, report.holdout
    if report.headline and report.headline.early:
        accuracy, _, early = describe_headline(report.headline).partition("; ")
        return [f"model {report.in_force}: {early}", f"  {accuracy}"]  # each fits 80 columns
    if holdout.accuracy is None:
        return [f"model {report.in_force}: {holdout.n} labelled images in the holdout, too few"]
    head = f"model {report.in_force} on {holdout.n} images of the holdout (95 % intervals):"
    if not evaluation:
        return [
            head,
            f"  accuracy {holdout.accuracy:.3f} ({holdout.low:.3f}-{holdout.high:.3f})",
        ]
    figures = [
        f"accuracy {short_estimate(evaluation.accuracy)}",
        f"balanced {short_estimate(evaluation.balanced_accuracy)}",
    ]
    if shows_calibration(evaluation.n):
        figures.append(f"ECE {short_estimate(evaluation.ece)}")
    return [head, f"  {', '.join(figures)}"]


def _people_lines(report: "StatsReport") -> list[str]:
    lines = []
    if current := report.round:
        lines.append(
            f"round {current.number} ({current.strategy}, {current.created_at[:10]}): "
            f"{current.answered} of {current.asked} answered, {current.holdout} in the holdout"
        )
    answers = [
        f"{short_estimate(same.same)} of {same.n} {how}"
        for how, same in (("shown", report.shown), ("blind", report.blind))
        if same
    ]
    if answers:
        lines.append(f"same answer as the model: {', '.join(answers)}")
    if report.compared:
        part = "in the holdout" if report.compared == "holdout" else "outside of the holdout"
        lines.append(f"  (answers about images {part}, which were chosen in the same way)")
    elif len(answers) > 1:
        lines.append("  (do not compare the two: their images were chosen in different ways)")
    for way, given in report.ways.items():
        same = f", {short_estimate(given.same)} as the model" if given.shown else ""
        seconds = "" if given.seconds is None else f", {given.seconds:g} s each"
        lines.append(f"answers {WAYS.get(way, way)}: {given.answers}{same}{seconds}")
    if report.people:
        alpha = short_estimate(report.people.alpha)
        lines.append(f"people agree: alpha {alpha} on {report.people.images} images")
    return lines


def _print_labels(console: Console, report: "StatsReport") -> None:
    early = report.headline is not None and report.headline.early
    classes = report.evaluation.classes if report.evaluation and not early else {}
    rows = []
    for label, n in list(report.labels.items())[:LABELS]:
        row: list[object] = [label, n]
        if classes:
            figures = classes.get(label)
            row += (
                [figures.n, short_estimate(figures.precision), short_estimate(figures.recall)]
                if figures
                else ["", "", ""]
            )
        rows.append(row)
    more = ("holdout", "precision", "recall") if classes else ()
    console.table(("label", "labelled", *more), rows, ("recall", "precision", "holdout"))
    if len(report.labels) > LABELS:
        console.print(f"{len(report.labels) - LABELS} more labels (--json lists all)")
