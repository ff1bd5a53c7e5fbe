"""The state of a dataset, from counters and from what changed since the last snapshot."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from annolooop.domain.annotations import Annotation, Snapshot, compare
from annolooop.domain.answers import Disputed, count_tasks, is_answer, resolve
from annolooop.domain.examples import Example, Rules, build_examples, can_teach, fingerprint
from annolooop.domain.figures import Agreement
from annolooop.domain.split import split_of
from annolooop.domain.versions import Estimate, Evaluation, Holdout, ModelVersion
from annolooop.loop.labels.current import read_rules
from annolooop.loop.labels.project import advice, find_project
from annolooop.loop.labels.pull import pull
from annolooop.loop.push.blind import blind_outcomes
from annolooop.loop.push.changes import count_marked
from annolooop.loop.quality.agreement import agreement
from annolooop.loop.quality.ways import Way, answers_by_way
from annolooop.loop.rounds.figures import RoundStats, last_round
from annolooop.loop.rounds.next_step import LoopState, next_step
from annolooop.loop.versions.headline import (
    Headline,
    headline,
    shown_calibration,
    shown_evaluation,
)
from annolooop.model.heads.interval import share
from annolooop.stack import Stack


@dataclass(frozen=True)
class VersionStats:
    """One model version in the project: predictions, and what people did with them."""

    predictions: int = 0
    accepted: int = 0
    overridden: int = 0


@dataclass(frozen=True)
class Sameness:
    """How many of ``n`` answers are the same as the model's prediction."""

    n: int
    same: Estimate


@dataclass(frozen=True)
class StatsReport:
    """The state of a dataset. ``total`` = ``labeled`` + ``unlabeled`` + ``skipped`` (tasks).

    ``empty`` and ``unreadable`` count unlabelled tasks that have an annotation: one that says
    nothing, or that cannot be read.
    ``disputed`` counts labelled tasks that have no label, since people disagree;
    ``outdated`` those whose picture has changed since: the label is that of the earlier one.
    ``vanished`` counts tasks, labelled or not, that are marked since their image is gone.

    Attributes:
        in_force: the current model version.
        labels: label -> labelled tasks.
        other_answers: likewise, of ``dataset.other_answers``.
        unknown_labels: likewise, of labels that the dataset does not have.
        advice: what to change in the project or in the stack file.
        holdout: its accuracy, also of versions whose record has no evaluation.
        headline: the accuracy to go by.
        evaluation: of it on the holdout, as its record has it.
        calibration: likewise, out of fold.
        round: the last one that asked people.
        ways: answers by how they were given, where some were given on a contact sheet.
        shown, blind: answers of people who saw the prediction, and of people who did not.
        compared: the part of the split that both are about; empty if they cannot be compared.
        accepted: annotations that nobody looked at: predictions that were accepted.
        people: their agreement about images that several answered; ``None`` without such.
        next: the command to type now.
        next_why: why, or what else; empty where that is plain.
    """

    dataset: str
    total: int
    labeled: int
    unlabeled: int
    skipped: int
    disputed: int
    outdated: int
    vanished: int
    labels: dict[str, int]
    model_version: str
    model_versions: dict[str, VersionStats]
    url: str
    in_force: str | None = None
    holdout: Holdout | None = None
    headline: Headline | None = None
    evaluation: Evaluation | None = None
    calibration: dict[str, Any] | None = None
    round: RoundStats | None = None
    ways: dict[str, Way] = field(default_factory=dict)
    shown: Sameness | None = None
    blind: Sameness | None = None
    compared: str = ""
    accepted: int = 0
    empty: int = 0
    unreadable: int = 0
    other_answers: dict[str, int] = field(default_factory=dict)
    unknown_labels: dict[str, int] = field(default_factory=dict)
    advice: tuple[str, ...] = ()
    people: Agreement | None = None
    next: str = ""
    next_why: str = ""


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
    predictions = stack.studio.predictions.count_by_version(project.id)
    last = stack.snapshots_of(name).latest()
    snapshot = pull(stack.studio, project, last)
    rules = read_rules(stack, name, project)
    counts = count_tasks(snapshot.annotations, rules.choice)
    labels, disputed = _labels(snapshot.annotations, rules)
    version = stack.registry_of(name).current()
    asked = last_round(stack, name, snapshot.annotations, rules.choice)
    unlabeled = counts.to_do(project.tasks)
    shown, blind, compared = compare_answers(stack, name, snapshot.annotations, rules)
    state = LoopState(
        dataset=name,
        own=stack.owns(name),
        tasks=project.tasks,
        to_do=unlabeled,
        asked=asked.asked if asked else 0,
        left=asked.asked - asked.answered if asked else 0,
    )
    step = next_step(with_model(stack, state, version, predictions, (last, snapshot), rules))
    return StatsReport(
        dataset=name,
        total=project.tasks,
        labeled=counts.labeled,
        unlabeled=unlabeled,
        skipped=counts.skipped,
        empty=counts.empty,
        unreadable=counts.unreadable,
        disputed=disputed,
        outdated=len(
            {a.task for a in snapshot.annotations if a.outdated and is_answer(a, rules.choice)}
        ),
        vanished=count_marked(stack, name, project),
        labels={label: labels[label] for label in rules.labels or sorted(labels)},
        other_answers={label: labels[label] for label in rules.other if labels[label]},
        unknown_labels={x: n for x, n in sorted(labels.items()) if rules.foreign([x])},
        advice=advice(stack, project) if stack.owns(name) else (),
        model_version=project.model_version,
        model_versions=_by_version(predictions, snapshot.annotations, rules.choice),
        url=stack.studio.projects.stream_url(project.id),
        in_force=version.name if version else None,
        holdout=Holdout(**version.metrics["holdout"]) if version else None,
        headline=headline(version.metrics) if version else None,
        evaluation=shown_evaluation(version) if version else None,
        calibration=shown_calibration(version) if version else None,
        round=asked,
        ways=answers_by_way(snapshot.annotations, rules.choice),
        shown=shown,
        blind=blind,
        compared=compared,
        accepted=sum(bool(a.accepted) for a in snapshot.annotations),
        people=_people(snapshot.annotations, rules),
        next=step.command,
        next_why=step.why,
    )


def compare_answers(
    stack: Stack, name: str, annotations: Sequence[Annotation], rules: Rules
) -> tuple[Sameness | None, Sameness | None, str]:
    """Answers with a prediction in view, and without, of images that were chosen alike.

    Images of the holdout are drawn, others are chosen by a strategy, which are harder: so one part
    of the split is compared, the holdout if it has both kinds of answers.

    Returns:
        Those with, those without, and the part; of all images where no part has both.
    """
    blind = blind_answers(stack, name, annotations, rules.choice)
    for part in ("holdout", "train") if blind else ():
        some = [
            a
            for a in annotations
            if a.sha256 and split_of(a.sha256, rules.holdout, rules.recorded) == part
        ]
        with_it = shown_answers(some, rules.choice)
        without = blind_answers(stack, name, some, rules.choice)
        if with_it and without:
            return with_it, without, part
    return shown_answers(annotations, rules.choice), blind, ""


def shown_answers(annotations: Iterable[Annotation], choice: str) -> Sameness | None:
    """Of people who saw a prediction, by any version: how many submitted its labels."""
    by_version = _by_version({}, annotations, choice).values()
    return _sameness(sum(v.accepted for v in by_version), sum(v.overridden for v in by_version))


def blind_answers(
    stack: Stack, name: str, annotations: Iterable[Annotation], choice: str
) -> Sameness | None:
    """Of people who did not see the prediction: how many gave the same labels."""
    return _sameness(*blind_outcomes(stack, name, annotations, choice))


def _sameness(same: int, different: int) -> Sameness | None:
    n = same + different
    if not n:
        return None
    return Sameness(n, share(same, n))


def _people(annotations: Iterable[Annotation], rules: Rules) -> Agreement | None:
    found = agreement(annotations, rules.labels, rules.choice)
    return found if found.images else None


def with_model(
    stack: Stack,
    state: LoopState,
    version: ModelVersion | None,
    predictions: Mapping[str, int],
    snapshots: tuple[Snapshot, Snapshot],
    rules: Rules,
) -> LoopState:
    """The state with what the current version makes of the last snapshot, and of what is now."""
    if version is None:
        return replace(state, model=False)
    examples = build_examples(snapshots[1].annotations, rules).examples
    news, refused = not _is_of_these_labels(version, snapshots, examples), None
    if news and (refused := stack.registry_of(state.dataset).refused(version)):
        news = not _is_of_these_labels(refused, snapshots, examples)
    return replace(
        state,
        relabelled=version.labels != rules.labels,
        news=news,
        refused=refused.name if refused and not news else "",
        enough=can_teach(examples, rules.choice),
        stale=any(predictions.values()) and not predictions.get(version.name),
        measured=version.metrics["holdout"].get("accuracy") is not None,
    )


def _is_of_these_labels(
    version: ModelVersion, snapshots: tuple[Snapshot, Snapshot], examples: Sequence[Example]
) -> bool:
    """Whether a version was made from the labels as they are now."""
    last, now = snapshots
    # What training left out is in the snapshot, and not in the fingerprint.
    same = version.snapshot == last.number and not compare(last, now)
    return same or fingerprint(examples) == version.dataset_fingerprint


def _labels(annotations: Iterable[Annotation], rules: Rules) -> tuple[Counter[str], int]:
    """Label -> tasks that have it; and how many tasks people disagree about.

    A label belongs to the content of an image, so tasks that show the same one have the same label.
    """
    contents: dict[str, list[Annotation]] = defaultdict(list)
    for a in annotations:
        contents[a.sha256 or f"task {a.task}"].append(a)
    labels: Counter[str] = Counter()
    disputed = 0
    for answers in contents.values():
        tasks = len({a.task for a in answers if is_answer(a, rules.choice)})
        try:
            for label in resolve(answers, rules.choice, rules.agreement) or ():
                labels[label] += tasks
        except Disputed:
            disputed += tasks
    return labels, disputed


def _by_version(
    predictions: Mapping[str, int], annotations: Iterable[Annotation], choice: str
) -> dict[str, VersionStats]:
    """A person accepts a prediction by submitting its labels.

    Nothing submitted is no answer where one label is asked for, and one where any number is.
    """
    accepted: dict[str, int] = defaultdict(int)
    overridden: dict[str, int] = defaultdict(int)
    for a in annotations:
        if a.shown_version and is_answer(a, choice):
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
