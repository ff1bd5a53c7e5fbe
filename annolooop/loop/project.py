"""Find or make the dataset's Label Studio project."""

import difflib
import json

from annolooop.errors import DataError
from annolooop.records import ProjectCounts
from annolooop.stack import Stack


def ensure_project(stack: Stack) -> ProjectCounts:
    """The project of this dataset, made if it is not there, able to show the store's images.

    Raises:
        DataError: a project of this name has other labels or another kind of config, or the
            dataset's project was given another name.
    """
    dataset = stack.config.dataset
    note = f"datasets/{dataset.name}/project.json"
    try:
        known = json.loads(stack.store.get(note))["identity"]
    except KeyError:
        known = None
    if known and stack.studio.find_project(dataset.name) is None:
        _check_renamed(stack, known)
    project, _ = stack.studio.ensure_project(dataset.name, dataset.labels)
    if project.identity != known:
        stack.store.put(note, json.dumps({"identity": project.identity}).encode())
    stack.image_source.connect(stack.studio, project.id)
    return project


def _check_renamed(stack: Stack, known: str) -> None:
    """Refuse to make a second project while the first lives on under another name."""
    name = stack.config.dataset.name
    for project in stack.studio.projects():
        if project.identity == known:
            raise DataError(
                f"the Label Studio project of the dataset {name} is now called {project.title}",
                f"Give it its name back in Label Studio: {name}",
            )


def find_project(stack: Stack, name: str) -> ProjectCounts:
    """The project of the dataset of this name.

    Raises:
        DataError: there is none; close names are suggested.
    """
    project = stack.studio.find_project(name)
    if project is None:
        titles = [other.title for other in stack.studio.projects()]
        close = difflib.get_close_matches(name, titles, n=1)
        raise DataError(
            f"Label Studio has no project for the dataset {name}"
            + (f"; did you mean {close[0]}?" if close else ""),
            "See which there are: annoloop dataset list; make it: annoloop train",
        )
    return project
