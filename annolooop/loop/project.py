"""Find or make the dataset's Label Studio project."""

import difflib

from annolooop.errors import DataError
from annolooop.records import ProjectCounts
from annolooop.stack import Stack


def ensure_project(stack: Stack) -> ProjectCounts:
    """The project of this dataset, made if it is not there, able to show the store's images.

    Raises:
        DataError: a project of this name has other labels or another kind of config.
    """
    dataset = stack.config.dataset
    project, _ = stack.studio.ensure_project(dataset.name, dataset.labels)
    stack.image_source.connect(stack.studio, project.id)
    return project


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
