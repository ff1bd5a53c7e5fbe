"""Find, make or take over the dataset's Label Studio project."""

import difflib
import json

from annolooop.errors import DataError
from annolooop.records import ProjectCounts
from annolooop.stack import Stack


def ensure_project(stack: Stack) -> ProjectCounts:
    """The project of this dataset, made if it is not there, able to show the store's images.

    Raises:
        DataError: its label config does not fit the dataset.
    """
    dataset = stack.config.dataset
    project = lookup_project(stack, dataset.name)
    if project is None:
        project = stack.studio.create_project(dataset.name, dataset.labels, dataset.choice)
    else:
        fit_project(stack, project)
    if project.identity != noted_project(stack, dataset.name):
        note_project(stack, project)
    stack.image_source.connect(stack.studio, project.id)
    return project


def fit_project(stack: Stack, project: ProjectCounts) -> None:
    """Make a project ask for the labels of the dataset; what it asked for before stays.

    Raises:
        DataError: it asks for something that the dataset does not know.
    """
    dataset = stack.config.dataset
    known = stack.studio.labelling(project.id)
    lacking = [label for label in known.labels if label not in dataset.labels]
    if lacking:
        raise DataError(
            f"the Label Studio project {project.title} has the label {lacking[0]!r}, "
            "which dataset.labels lacks",
            f"Add it: dataset.labels: [{', '.join([*dataset.labels, *lacking])}]. To rename or "
            "remove a label for good: give its tasks another one in Label Studio, then delete it "
            "there, under Settings, Labeling Interface.",
        )
    if known.choice == "multiple" and dataset.choice == "single":
        raise DataError(
            f"in the Label Studio project {project.title} people may choose several labels",
            "Say so in the stack file: dataset.choice: multiple",
        )
    if set(dataset.labels) - set(known.labels) or known.choice != dataset.choice:
        stack.studio.extend_labelling(project.id, dataset.labels, dataset.choice)


def find_project(stack: Stack, name: str) -> ProjectCounts:
    """The project of the dataset of this name.

    Raises:
        DataError: there is none; close names are suggested.
    """
    project = lookup_project(stack, name)
    if project is None:
        titles = [other.title for other in stack.studio.projects()]
        close = difflib.get_close_matches(name, titles, n=1)
        raise DataError(
            f"Label Studio has no project for the dataset {name}"
            + (f"; did you mean {close[0]}?" if close else ""),
            "See which there are: annoloop dataset list; make it: annoloop train",
        )
    return project


def lookup_project(stack: Stack, name: str) -> ProjectCounts | None:
    """The project that was the dataset's last time, whatever it is called now; or by its title."""
    noted = noted_project(stack, name)
    if noted:
        project = stack.studio.read_project(int(noted.partition(" ")[0]))
        if project and project.identity == noted:
            return project
    return stack.studio.find_project(name)


def note_project(stack: Stack, project: ProjectCounts) -> None:
    """Remember which project is the dataset's."""
    body = json.dumps({"identity": project.identity}).encode()
    stack.store.put(_note(stack.config.dataset.name), body)


def noted_project(stack: Stack, name: str) -> str | None:
    """Identity of the project that was the dataset's last time, or ``None``."""
    try:
        return str(json.loads(stack.store.get(_note(name)))["identity"])
    except KeyError:
        return None


def _note(name: str) -> str:
    return f"datasets/{name}/project.json"
