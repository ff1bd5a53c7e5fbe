"""`annoloop stats`: the counts of the stack's dataset."""

from typing import TYPE_CHECKING

from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.domain.versions import Estimate
    from annolooop.loop.quality.stats import StatsReport

from annolooop.commands.dataset.arguments import NAME_IF_OTHER

LABELS, VERSIONS = 8, 4  # lines of `stats`, which is to fit a terminal


def stats(console: Console, name: NAME_IF_OTHER = None) -> "StatsReport":
    """Count tasks, labels, and what people did with the predictions."""
    from annolooop.loop.quality.stats import stats as run
    from annolooop.stack import open_stack

    stack = open_stack(console)
    return run(stack, name or stack.config.dataset.name)


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
