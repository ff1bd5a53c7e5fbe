"""Find, make or take over the dataset's Label Studio project."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from annolooop.domain.annotations import Identity, ProjectCounts, Snapshot
from annolooop.domain.loss import is_other_project
from annolooop.errors import ConfigError, DataError, UnreachableError, did_you_mean
from annolooop.labelstudio.api.connection import NotFound, Rejected
from annolooop.labelstudio.label_page import LabelPage
from annolooop.loop.labels.pull import refuse_other_project
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.intents import Intent
from annolooop.storage.records import Document

P = ParamSpec("P")
R = TypeVar("R")

EXAMPLE_SIDE = 112  # pixels of the longer side, twice of what the page shows


def ensure_project(
    stack: Stack, accept_loss: bool = False, label_config: str = ""
) -> ProjectCounts:
    """The project of this dataset, made if it is not there, able to show the store's images.

    Where nothing is missing, nothing is written, and nobody is waited for.

    Args:
        stack: the annotation loop.
        accept_loss: it may be another one than that which has the answers of the last snapshot.
        label_config: what it asks for if it is made here, beside the labels of the dataset.

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
        return _make(stack, accept_loss, label_config)


def _make(stack: Stack, accept_loss: bool, label_config: str) -> ProjectCounts:
    dataset = stack.config.dataset
    project = lookup_project(stack, dataset.name) or _await_project(stack)
    last = Snapshot() if accept_loss else stack.snapshots.latest()
    if last.annotations and (project is None or is_other_project(last, project)):
        raise refuse_other_project(last, project)
    if project is None:
        with _making(stack).under_way(True):
            asked = (*dataset.labels, *dataset.other_answers)
            project = stack.studio.projects.create(
                dataset.name, asked, dataset.choice, label_config, label_page(stack)
            )
            note_project(stack, project)
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
    """Make a project ask for the labels of the dataset; what people changed in it stays.

    Labels that the dataset had and has no more go, as long as nobody has annotated anything.

    Raises:
        DataError: people may choose several labels in it, and may not in the dataset.
    """
    if project_fits(stack, project):
        return
    dataset, projects = stack.config.dataset, stack.studio.projects
    asked = (*dataset.labels, *dataset.other_answers)
    dropped, page = _dropped_labels(stack, project), label_page(stack)
    try:
        projects.change_labels(project.id, asked, dataset.choice, dropped, page)
    except Rejected:  # somebody has begun to answer with one of them
        if not dropped:
            raise
        projects.change_labels(project.id, asked, dataset.choice, (), page)


def project_fits(stack: Stack, project: ProjectCounts) -> bool:
    """Whether a project asks for the labels of the dataset, in the same way.

    Raises:
        DataError: people may choose several labels in it, and may not in the dataset.
    """
    dataset = stack.config.dataset
    known = stack.studio.projects.labelling(project.id)
    if known.choice == "multiple" and dataset.choice == "single":
        raise DataError(
            f"in the Label Studio project {project.title} people may choose several labels",
            "Say so in the stack file: dataset.choice: multiple",
        )
    asked, dropped = (*dataset.labels, *dataset.other_answers), _dropped_labels(stack, project)
    projects = stack.studio.projects
    return projects.asks_for(project.id, asked, dataset.choice, dropped, label_page(stack))


def label_page(stack: Stack) -> LabelPage:
    """How the page looks on which people label the dataset."""
    dataset = stack.config.dataset
    return LabelPage(
        hints=dataset.hints,
        examples=dataset.examples,
        picture=lambda place: _example(stack, place),
        one_key=dataset.one_key,
        instructions=dataset.instructions,
    )


def _example(stack: Stack, place: str) -> bytes:
    """The picture that is shown beside a label, small.

    Raises:
        ConfigError: it is not there, or no image.
    """
    from annolooop.model.picture import Unreadable
    from annolooop.model.thumbnail import thumbnail

    key = place.removeprefix("store:")
    try:
        data = stack.store.get(key) if key != place else stack.loaded.path(place).read_bytes()
        return thumbnail(data, EXAMPLE_SIDE)
    except KeyError:
        problem = f"the store has no {key}"
    except OSError as error:
        problem = f"{place}: {error.strerror or error}"
    except Unreadable as error:
        problem = f"{place} cannot be shown: {error}"
    raise ConfigError(f"dataset.examples: {problem}", "Name an image, or take the line out.")


def _dropped_labels(stack: Stack, project: ProjectCounts) -> list[str]:
    """Labels that the dataset had and has no more, while nothing is annotated.

    Others that the project offers are those that people added there.
    """
    unknown = unknown_labels(stack, project)
    if not unknown or project.annotations or project.skips:
        return []
    version = stack.registry.current()
    return [label for label in unknown if version and label in version.labels]


def unknown_labels(stack: Stack, project: ProjectCounts) -> list[str]:
    """Labels that a project offers and the dataset does not have."""
    dataset = stack.config.dataset
    known = {*dataset.labels, *dataset.other_answers}
    return [x for x in stack.studio.projects.labelling(project.id).labels if x not in known]


def advice(stack: Stack, project: ProjectCounts) -> tuple[str, ...]:
    """What people should change in a project, or in the stack file; each with what to type."""
    lines = []
    labelling = stack.studio.projects.labelling(project.id)
    if unknown := unknown_labels(stack, project):
        lines.append(
            f"Label Studio offers {_named(unknown)}, which dataset.labels does not have: images "
            f"with such an answer are left out. {how_to_add(stack, unknown)}"
        )
    if labelling.choice == "single" and not labelling.required:
        lines.append(
            "Label Studio takes an answer without a label, which is easily given: the key of a "
            "label that is chosen already takes it away. To have it refused: in the project "
            f"{project.title}, open Settings, Labeling Interface, Code, and write "
            f'required="true" into <Choices name="{labelling.control}">.'
        )
    return tuple(lines)


def how_to_add(stack: Stack, unknown: Sequence[str]) -> str:
    """What to write into the stack file for labels that it does not have."""
    together = [*stack.config.dataset.labels, *unknown]
    return (
        f"To use {'it' if len(unknown) == 1 else 'them'}: "
        f"dataset.labels: [{', '.join(map(_quoted, together))}]"
    )


def _named(labels: Sequence[str]) -> str:
    return ", ".join(map(repr, labels))


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
    _noted(stack, stack.config.dataset.name).write(_Project(project.identity))


def noted_project(stack: Stack, name: str) -> str | None:
    """Identity of the project that was the dataset's last time, or ``None``."""
    note = _noted(stack, name).read()
    return note.identity if note else None


@dataclass(frozen=True)
class _Project:
    """Identity of the project that is the dataset's."""

    identity: Identity


def _noted(stack: Stack, name: str) -> Document[_Project]:
    return Document(stack.store, f"{DATASETS}/{name}/project.json", _Project)
