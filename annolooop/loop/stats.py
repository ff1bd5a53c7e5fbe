"""The state of a dataset, from counters and from what changed since the last snapshot."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone

from annolooop.loop.project import find_project
from annolooop.loop.pull import pull
from annolooop.records import Annotation
from annolooop.reports import StatsReport, VersionStats
from annolooop.stack import Stack


def stats(stack: Stack, name: str) -> StatsReport:
    """Count tasks, labels, predictions, and what people did with the predictions.

    The counts cost two requests, whatever the project's size: the project with its counters,
    and predictions by model version. Labels and acceptance come from the last snapshot and
    from what was annotated since; nothing is written.

    Raises:
        DataError: there is no such dataset.
        UnreachableError: Label Studio does not answer.
    """
    project = find_project(stack, name)
    predictions = stack.studio.model_versions(project.id)
    last = stack.snapshots_of(name).latest()
    snapshot = pull(stack.studio, project, last, datetime.now(timezone.utc))
    skipped = sum(a.skipped for a in snapshot.annotations)
    labeled = len(snapshot.annotations) - skipped
    labels = Counter(a.label for a in snapshot.annotations if a.label is not None)
    own = stack.config.dataset
    order = [*(own.labels if name == own.name else ()), *sorted(labels)]
    return StatsReport(
        dataset=name,
        total=project.tasks,
        labeled=labeled,
        unlabeled=project.tasks - labeled - skipped,
        skipped=skipped,
        labels={label: labels.get(label, 0) for label in order},
        model_version=project.model_version,
        model_versions=_by_version(predictions, snapshot.annotations),
        url=stack.studio.stream_url(project.id),
    )


def _by_version(
    predictions: Mapping[str, int], annotations: Iterable[Annotation]
) -> dict[str, VersionStats]:
    """A person accepts a prediction by submitting the label that it says."""
    accepted: dict[str, int] = defaultdict(int)
    overridden: dict[str, int] = defaultdict(int)
    for a in annotations:
        if a.shown_version and a.label is not None:
            outcome = accepted if a.label == a.shown_label else overridden
            outcome[a.shown_version] += 1
    names = sorted({*predictions, *accepted, *overridden}, key=_version_number)
    return {
        name: VersionStats(predictions.get(name, 0), accepted[name], overridden[name])
        for name in names
    }


def _version_number(name: str) -> tuple[int, str]:
    digits = name.removeprefix("v").partition("-")[0]
    return (int(digits) if digits.isdigit() else 0, name)
