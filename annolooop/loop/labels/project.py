"""Find, make or take over the dataset's Label Studio project."""

import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from annolooop.domain.annotations import ProjectCounts, Snapshot
from annolooop.domain.loss import is_other_project
from annolooop.errors import DataError, UnreachableError, did_you_mean
from annolooop.labelstudio.api.connection import NotFound
from annolooop.loop.labels.pull import refuse_other_project
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.intents import Intent
from annolooop.storage.records import Document

P = ParamSpec("P")
R = TypeVar("R")


def ensure_project(stack: Stack, accept_loss: bool = False) -> ProjectCounts:
    """The project of this dataset, made if it is not there, able to show the store's images.

    Where nothing is missing, nothing is written, and nobody is waited for.

    Args:
        stack: the annotation loop.
        accept_loss: it may be another one than that which has the answers of the last snapshot.

    Raises:
        DataError: its label config does not fit the dataset.
        RefusedError: it is gone, or another one, and there are answers of it.
    """
    name = stack.config.dataset.name
    project = lookup_project(stack, name)
    if (
        project
        and project.identity == noted_project(stack, name)
        and project_fits(stack, project)
        and stack.image_source.connected(stack.studio, project.id)
        and stack.annotation_export.connected(stack.studio, project.id)
    ):
        return project
    with stack.lock("project"):
        return _make(stack, accept_loss)


def _make(stack: Stack, accept_loss: bool) -> ProjectCounts:
    dataset = stack.config.dataset
    project = lookup_project(stack, dataset.name) or _await_project(stack)
    last = Snapshot() if accept_loss else stack.snapshots.latest()
    if last.annotations and (project is None or is_other_project(last, project)):
        raise refuse_other_project(last, project)
    if project is None:
        with _making(stack).under_way(True):
            project = stack.studio.projects.create(dataset.name, dataset.labels, dataset.choice)
            note_project(stack, project)
    else:
        fit_project(stack, project)
    if project.identity != noted_project(stack, dataset.name):
        note_project(stack, project)
    stack.image_source.connect(stack.studio, project.id)
    stack.annotation_export.connect(stack.studio, project.id)
    return project


def _await_project(stack: Stack) -> ProjectCounts | None:
    """The project whose maker died before the server had answered, if it still comes."""
    projects: list[ProjectCounts] = []

    def look() -> int:
        project = stack.studio.projects.find(stack.config.dataset.name)
        projects.extend([project] if project else [])
        return len(projects)

    _making(stack).await_end(look, lambda: bool(projects))
    return projects[0] if projects else None


def _making(stack: Stack) -> Intent[bool]:
    return Intent(stack.store, stack.config.dataset.name, "making", bool)


def fit_project(stack: Stack, project: ProjectCounts) -> None:
    """Make a project ask for the labels of the dataset; what it asked for before stays.

    Raises:
        DataError: it asks for something that the dataset does not know.
    """
    dataset = stack.config.dataset
    if not project_fits(stack, project):
        stack.studio.projects.extend_labels(project.id, dataset.labels, dataset.choice)


def project_fits(stack: Stack, project: ProjectCounts) -> bool:
    """Whether a project asks for all labels of the dataset, in the same way.

    Raises:
        DataError: it asks for something that the dataset does not know.
    """
    dataset = stack.config.dataset
    known = stack.studio.projects.labelling(project.id)
    unknown = [label for label in known.labels if label not in dataset.labels]
    if unknown:
        together = [*dataset.labels, *unknown]
        raise DataError(
            f"the Label Studio project {project.title} has the label {unknown[0]!r}, "
            "which is missing in dataset.labels",
            f"Add it: dataset.labels: [{', '.join(map(_quoted, together))}]. To rename or "
            "remove a label for good: give its tasks another one in Label Studio, then delete it "
            "there, under Settings, Labeling Interface.",
        )
    if known.choice == "multiple" and dataset.choice == "single":
        raise DataError(
            f"in the Label Studio project {project.title} people may choose several labels",
            "Say so in the stack file: dataset.choice: multiple",
        )
    return set(dataset.labels) <= set(known.labels) and known.choice == dataset.choice


def _quoted(label: str) -> str:
    """A label as an item of a list in YAML."""
    plain = re.fullmatch(r"[^\W\d]\w*( \w+)*", label)
    reserved = label.lower() in ("yes", "no", "on", "off", "true", "false", "null", "y", "n")
    return label if plain and not reserved else json.dumps(label, ensure_ascii=False)


def find_project(stack: Stack, name: str) -> ProjectCounts:
    """The project of the dataset of this name.

    Raises:
        DataError: there is none; close names are suggested.
        RefusedError: there is none any more, and there are answers of it.
    """
    project = lookup_project(stack, name)
    if project is None:
        last = stack.snapshots_of(name).latest()
        if last.annotations:
            raise refuse_other_project(last, None)
        titles = [other.title for other in stack.studio.projects.list()]
        raise DataError(
            f"Label Studio has no project for the dataset {name}" + did_you_mean(name, titles),
            "See which there are: annoloop dataset list; make it: annoloop train",
        )
    return project


def explaining_deletion(
    verb: Callable[Concatenate[Stack, P], R],
) -> Callable[Concatenate[Stack, P], R]:
    """A verb that works with the dataset's project, which people may delete meanwhile.

    If they did, it raises RefusedError where there are answers of it, else UnreachableError.
    """

    @wraps(verb)
    def watched(stack: Stack, /, *args: P.args, **named: P.kwargs) -> R:
        try:
            return verb(stack, *args, **named)
        except NotFound:
            name = stack.config.dataset.name
            if lookup_project(stack, name):
                raise
            last = stack.snapshots.latest()
            if last.annotations:
                raise refuse_other_project(last, None) from None
            raise UnreachableError(
                f"the Label Studio project of the dataset {name} was deleted meanwhile",
                "Type the same command again: the project is made again.",
            ) from None

    return watched


def lookup_project(stack: Stack, name: str) -> ProjectCounts | None:
    """The project that is noted for the dataset, whatever its title is now; else by its title."""
    noted = noted_project(stack, name)
    if noted:
        project = stack.studio.projects.get(int(noted.partition(" ")[0]))
        if project and project.identity == noted:
            return project
    return stack.studio.projects.find(name)


def note_project(stack: Stack, project: ProjectCounts) -> None:
    """Remember which project is the dataset's."""
    _noted(stack, stack.config.dataset.name).write({"identity": project.identity})


def noted_project(stack: Stack, name: str) -> str | None:
    """Identity of the project that was the dataset's last time, or ``None``."""
    return (_noted(stack, name).read() or {}).get("identity")


def _noted(stack: Stack, name: str) -> Document[dict[str, str]]:
    return Document(stack.store, f"{DATASETS}/{name}/project.json", dict[str, str])
