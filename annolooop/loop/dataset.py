"""Which datasets there are, and where people annotate them."""

from annolooop.loop.project import find_project
from annolooop.records import DatasetListReport, DatasetRow, LaunchReport
from annolooop.stack import Stack


def list_datasets(stack: Stack) -> DatasetListReport:
    """Datasets of the store and projects of Label Studio, by name.

    Raises:
        UnreachableError: Label Studio or the store does not answer.
    """
    projects = {project.title: project for project in stack.studio.projects()}
    stored = {item.key.split("/")[1] for item in stack.store.walk("models")}
    rows = []
    for name in sorted(projects.keys() | stored):
        project = projects.get(name)
        if project is None:
            rows.append(DatasetRow(name, None, None, None, None))
        else:
            rows.append(
                DatasetRow(
                    name,
                    project.tasks,
                    project.labeled,
                    project.model_version or None,
                    stack.studio.stream_url(project.id),
                )
            )
    return DatasetListReport(tuple(rows))


def launch(stack: Stack, name: str) -> LaunchReport:
    """Where people annotate this dataset. Opens nothing.

    Raises:
        DataError: there is no such dataset.
    """
    project = find_project(stack, name)
    return LaunchReport(name, stack.studio.stream_url(project.id), False)
