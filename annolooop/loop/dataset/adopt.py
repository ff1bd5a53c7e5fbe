"""Take over a Label Studio project that people made by hand."""

from dataclasses import dataclass

from annolooop.domain.annotations import ProjectCounts
from annolooop.errors import DataError, counted, did_you_mean
from annolooop.labelstudio.api.data_manager import condition
from annolooop.loop.dataset.datasets import noted_projects
from annolooop.loop.labels.project import (
    advice,
    fit_project,
    how_to_add,
    lookup_project,
    note_project,
    unknown_labels,
)
from annolooop.stack import Stack

KEY_OF_THEIRS = (
    condition("data.key", "empty", "String", False),
    condition("data.sha256", "empty", "String", True),
)


@dataclass(frozen=True)
class AdoptReport:
    """What `dataset adopt` took over: labels that it had, and those that were added.

    ``advice`` says what people should change in it.
    """

    dataset: str
    project: int
    title: str
    tasks: int
    annotations: int
    labels: tuple[str, ...]
    labels_added: tuple[str, ...]
    advice: tuple[str, ...]


def adopt(stack: Stack, title_or_id: str) -> AdoptReport:
    """Make a Label Studio project that of the stack's dataset.

    It gets the missing labels of the dataset, shows predictions, and serves the least sure
    tasks first. `sync` then makes its images part of the dataset.

    Args:
        stack: the annotation loop.
        title_or_id: id or title of the project.

    Raises:
        DataError: there is no such project, it does not fit, or one of the two has another.
    """
    dataset = stack.config.dataset.name
    project = _find(stack, title_or_id)
    current = lookup_project(stack, dataset)
    if current and current.id != project.id and current.tasks:
        raise DataError(
            f"the dataset {dataset} has a Label Studio project of "
            f"{counted(current.tasks, 'task')}: {current.title} ({current.id})",
            "Take this one over under another name: dataset.name in the stack file",
        )
    owner = noted_projects(stack).get(project.identity, dataset)
    if owner != dataset:
        raise DataError(
            f"the Label Studio project {project.title} is that of the dataset {owner}",
            f"Say so in the stack file: dataset.name: {owner}",
        )
    known = stack.studio.projects.labelling(project.id)
    if unknown := unknown_labels(stack, project):
        raise DataError(
            f"the Label Studio project {project.title} has the label {unknown[0]!r}, "
            "which is missing in dataset.labels",
            f"{how_to_add(stack, unknown)}. Or name it in dataset.other_answers if it is no label.",
        )
    taken = stack.studio.tasks.count(project.id, KEY_OF_THEIRS)
    if taken:
        raise DataError(
            f"{counted(taken, 'task')} of the Label Studio project {project.title} have a value "
            "`key` of their own in their data, where annoloop notes the image's key in the store",
            "Export the tasks, rename it, and import them into another project.",
        )
    with stack.lock("dataset adopt"):
        fit_project(stack, project)
        stack.studio.projects.show_predictions(project.id)
        stack.image_source.connect(stack.studio, project.id)
        note_project(stack, project)
    asked = (*stack.config.dataset.labels, *stack.config.dataset.other_answers)
    return AdoptReport(
        dataset=dataset,
        project=project.id,
        title=project.title,
        tasks=project.tasks,
        annotations=project.annotations,
        labels=known.labels,
        labels_added=tuple(x for x in asked if x not in known.labels),
        advice=advice(stack, project),
    )


def _find(stack: Stack, title_or_id: str) -> ProjectCounts:
    project = stack.studio.projects.get(int(title_or_id)) if title_or_id.isdecimal() else None
    project = project or stack.studio.projects.find(title_or_id)
    if project is None:
        titles = [other.title for other in stack.studio.projects.list()]
        raise DataError(
            f"Label Studio has no project {title_or_id}{did_you_mean(title_or_id, titles)}",
            f"There are: {', '.join(titles[:10]) or 'none'}",
        )
    return project
