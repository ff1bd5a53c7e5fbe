"""The state of a dataset, from counters and from what changed since the last snapshot."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from annolooop.loop.labels import read_rules
from annolooop.loop.project import find_project
from annolooop.loop.pull import pull
from annolooop.loop.watch import count_marked
from annolooop.records import Annotation
from annolooop.reports import StatsReport, VersionStats
from annolooop.stack import Stack
from annolooop.storage.dataset import Disputed, by_task, resolve


def stats(stack: Stack, name: str) -> StatsReport:
    """Count tasks, labels, predictions, and what people did with the predictions.

    The counts cost two requests, whatever the project's size: the project with its counters,
    and predictions by model version; one more where tasks were marked. Labels and acceptance come
    from the last snapshot and from what was annotated since; nothing is written.

    Raises:
        DataError: there is no such dataset.
        UnreachableError: Label Studio does not answer.
    """
    project = find_project(stack, name)
    predictions = stack.studio.model_versions(project.id)
    last = stack.snapshots_of(name).latest()
    snapshot = pull(stack.studio, project, last)
    labeled, skipped = count_tasks(snapshot.annotations)
    rules = read_rules(stack, name, project)
    labels, disputed = _labels(snapshot.annotations, rules.choice, rules.agreement)
    return StatsReport(
        dataset=name,
        total=project.tasks,
        labeled=labeled,
        unlabeled=project.tasks - labeled - skipped,
        skipped=skipped,
        disputed=disputed,
        outdated=len({a.task for a in snapshot.annotations if a.outdated and not a.skipped}),
        vanished=count_marked(stack, name, project),
        labels={label: labels.get(label, 0) for label in [*rules.labels, *sorted(labels)]},
        model_version=project.model_version,
        model_versions=_by_version(predictions, snapshot.annotations, rules.choice),
        url=stack.studio.stream_url(project.id),
    )


def count_tasks(annotations: Iterable[Annotation]) -> tuple[int, int]:
    """Tasks that someone annotated, and tasks that were only skipped."""
    tasks = by_task(annotations).values()
    skipped = sum(all(a.skipped for a in said) for said in tasks)
    return len(tasks) - skipped, skipped


def _labels(
    annotations: Iterable[Annotation], choice: str, agreement: str
) -> tuple[Counter[str], int]:
    """Label -> tasks that have it; and how many tasks people disagree about.

    A label belongs to the content of an image, so tasks that show the same one have the same label.
    """
    contents: dict[str, list[Annotation]] = defaultdict(list)
    for a in annotations:
        contents[a.sha256 or f"task {a.task}"].append(a)
    labels: Counter[str] = Counter()
    disputed = 0
    for said in contents.values():
        tasks = len({a.task for a in said if not a.skipped})
        try:
            for label in resolve(said, choice, agreement) or ():
                labels[label] += tasks
        except Disputed:
            disputed += tasks
    return labels, disputed


def _by_version(
    predictions: Mapping[str, int], annotations: Iterable[Annotation], choice: str
) -> dict[str, VersionStats]:
    """A person accepts a prediction by submitting the labels that it says.

    Nothing submitted is no answer where one label is asked for, and one where any number is.
    """
    accepted: dict[str, int] = defaultdict(int)
    overridden: dict[str, int] = defaultdict(int)
    for a in annotations:
        if a.shown_version and not a.skipped and (a.labels or choice == "multiple"):
            outcome = accepted if a.labels == a.shown else overridden
            outcome[a.shown_version] += 1
    names = sorted({*predictions, *accepted, *overridden}, key=_version_number)
    return {
        name: VersionStats(predictions.get(name, 0), accepted[name], overridden[name])
        for name in names
    }


def _version_number(name: str) -> tuple[int, str]:
    digits = name.removeprefix("v").partition("-")[0]
    return (int(digits) if digits.isdigit() else 0, name)
