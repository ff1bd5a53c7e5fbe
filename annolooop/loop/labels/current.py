"""The current labels of a dataset: now, or as of its last snapshot."""

from collections import defaultdict
from dataclasses import dataclass, replace
from shlex import quote

from annolooop.domain.annotations import Annotation, ProjectCounts, Snapshot, compare
from annolooop.domain.answers import is_answer
from annolooop.domain.examples import Example, Labelled, Rules, build_examples, find_accepted
from annolooop.errors import DataError, UnreachableError, did_you_mean
from annolooop.loop.labels.datasets import stored_datasets
from annolooop.loop.labels.project import find_project, lookup_project
from annolooop.loop.labels.pull import pull
from annolooop.loop.labels.split import recorded_split, rules_of_stack
from annolooop.stack import Stack


@dataclass(frozen=True)
class Labels:
    """The answers about a dataset's images, and what follows from them.

    Attributes:
        dataset: its name.
        project: its Label Studio project, where the server was asked and has one.
        snapshot: the annotations; number 0 if no stored snapshot holds just these.
        last: the newest snapshot that is stored.
        live: they were read from Label Studio right now.
        why_not: why they were not.
        found: what follows from them.
        accepted: images whose label is a prediction that was accepted unseen, by content hash.
    """

    dataset: str
    project: ProjectCounts | None
    snapshot: Snapshot
    last: Snapshot
    live: bool
    why_not: str
    rules: Rules
    found: Labelled
    accepted: list[Example]

    @property
    def examples(self) -> list[Example]:
        """Images that people labelled, by content hash."""
        return self.found.examples

    @property
    def order(self) -> list[str]:
        """The dataset's labels; where they are not known, those of the examples."""
        answered = {label for example in self.examples for label in example.labels}
        return [*(self.rules.labels or sorted(answered))]

    def keys(self) -> dict[str, str]:
        """Content hash -> key of an image that somebody answered about."""
        return {a.sha256: a.key for a in self.snapshot.annotations}

    def answers(self) -> dict[str, list[Annotation]]:
        """Content hash -> answers of people about it, in order of time."""
        answers: dict[str, list[Annotation]] = defaultdict(list)
        for a in sorted(self.snapshot.annotations, key=lambda a: (a.updated_at, a.id)):
            if a.sha256 and is_answer(a, self.rules.choice):
                answers[a.sha256].append(a)
        return dict(answers)


def read_labels(stack: Stack, name: str, offline: bool, number: int = 0) -> Labels:
    """Pull the annotations, without storing them; or take the last snapshot.

    Args:
        stack: the annotation loop.
        name: of a dataset.
        offline: do not ask Label Studio. Nor is it asked further when it does not answer.
        number: of a snapshot to take, instead of Label Studio; 0 for none.

    Raises:
        DataError: there is no such dataset, or no such snapshot.
        RefusedError: answers of the last snapshot are missing in Label Studio, or older there.
        UnreachableError: Label Studio answers, and fails then.
    """
    offline = offline or bool(number)
    project, why_not = None, "as asked" if offline else ""
    if not offline:
        try:
            stack.studio.version()
            project = lookup_project(stack, name)
            why_not = "" if project else "Label Studio has no project for it"
        except UnreachableError as error:
            why_not = error.message
    if project is None:
        _require(stack, name, asked=why_not.startswith("Label Studio has"))
    last = stack.snapshots_of(name).latest()
    snapshot = read_snapshot(stack, name, number) if number else last
    if project:
        pulled = pull(stack.studio, project, last)
        same = last.project == pulled.project and not compare(last, pulled)
        snapshot = replace(pulled, number=last.number if same else 0)
    rules = read_rules(stack, name, project)
    found = build_examples(snapshot.annotations, rules)
    accepted = find_accepted(snapshot.annotations, rules)
    return Labels(
        name,
        project,
        snapshot,
        last,
        project is not None,
        why_not,
        rules,
        found,
        accepted,
    )


def read_rules(stack: Stack, name: str, project: ProjectCounts | None) -> Rules:
    """Those of the stack file; for another dataset, those of its current model."""
    if stack.owns(name):
        return rules_of_stack(stack)
    version = stack.registry_of(name).current()
    shaped = version.config if version else {}
    labels, choice = (version.labels, version.choice) if version else ((), "single")
    if project:
        asked = stack.studio.projects.labelling(project.id)
        labels, choice = asked.labels, asked.choice
    agreement = str(shaped.get("agreement", "majority"))
    holdout = float(shaped.get("holdout", stack.config.train.holdout))
    return Rules(labels, choice, agreement, holdout, recorded_split(stack, name, holdout))


def read_snapshot(stack: Stack, name: str, number: int) -> Snapshot:
    """A stored snapshot of a dataset.

    Raises:
        DataError: there is none of this number.
    """
    snapshots = stack.snapshots_of(name)
    numbers = snapshots.numbers()
    if number not in numbers:
        there = f"{numbers[0]} to {numbers[-1]}" if numbers else "none"
        raise DataError(
            f"the dataset {name} has no snapshot {number}; there are: {there}",
            f"See what is in each: annoloop dataset history {quote(name)}",
        )
    return snapshots.read(number)


def _require(stack: Stack, name: str, asked: bool) -> None:
    stored = stored_datasets(stack)
    if name in stored:
        return
    if asked:
        find_project(stack, name)  # says which names are close
    raise DataError(
        f"the store has no dataset {name}{did_you_mean(name, stored)}",
        "See which there are: annoloop dataset list. If only Label Studio knows it, start that: "
        "annoloop up",
    )
