"""Delete a dataset, after everything that people gave is in a backup."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NoReturn

from annolooop.domain.annotations import Annotation, ProjectCounts, Snapshot
from annolooop.domain.progress import Track
from annolooop.errors import ConfigError, DataError, RefusedError, UnreachableError
from annolooop.files.names import safe_name
from annolooop.files.whole import flush, make_private, replacing
from annolooop.loop.dataset.datasets import noted_projects
from annolooop.loop.dataset.task_file import UPLOADS, live_tasks, stored_tasks, write_tasks
from annolooop.loop.labels.datasets import PARTS, stored_datasets
from annolooop.loop.labels.project import find_project, lookup_project
from annolooop.loop.labels.pull import pull
from annolooop.stack import Stack


@dataclass(frozen=True)
class DeleteReport:
    """What `dataset delete` deletes, or has deleted.

    Attributes:
        project, title: of the Label Studio project, if there is one and it goes.
        stored: the store has something of the dataset.
        tasks: of the project.
        annotations: of the project, or of the last snapshot; ``people`` gave them.
        snapshots, model_versions: of the store.
        uploads: images that people uploaded, that only the project has, and that go with it.
        backups: the files that hold what people gave.
    """

    dataset: str
    deleted: bool
    project: int | None
    title: str | None
    keep_project: bool
    stored: bool
    tasks: int
    annotations: int
    people: int | None
    snapshots: int
    model_versions: int
    uploads: int
    backups: tuple[str, ...]


BACKUPS = "annoloop-backups"  # in the project folder


def look(stack: Stack, name: str, keep_project: bool) -> DeleteReport:
    """What :func:`delete` would delete; nothing is written.

    Args:
        stack: the annotation loop.
        name: of the dataset.
        keep_project: leave Label Studio as it is; it need not run then.

    Raises:
        DataError: there is no such dataset.
        RefusedError: the project of its name is not annoloop's.
        UnreachableError: Label Studio or the store fails.
    """
    stored = name in stored_datasets(stack)
    project = None if keep_project else _project(stack, name)
    if not stored and project is None:
        _no_dataset(stack, name, keep_project)
    last = stack.snapshots_of(name).latest() if stored else Snapshot()
    annotations = _annotations(stack, project, last)
    counted = len(annotations) if annotations is not None else 0
    if annotations is None and project:
        counted = project.annotations + project.skips
    return DeleteReport(
        dataset=name,
        deleted=False,
        project=project.id if project else None,
        title=project.title if project else None,
        keep_project=keep_project,
        stored=stored,
        tasks=project.tasks if project else 0,
        annotations=counted,
        people=None if annotations is None else len({a.annotator for a in annotations}),
        snapshots=last.number,
        model_versions=len(stack.registry_of(name).versions()) if stored else 0,
        uploads=_count_uploads(stack, project) if project else 0,
        backups=(),
    )


def delete(stack: Stack, report: DeleteReport, track: Track) -> DeleteReport:
    """Back up, then delete: the project first, and what the store has of the dataset alone.

    Images, backbones and embeddings stay, since other datasets may use them. Interrupted, the
    same call deletes what is left.

    Raises:
        DataError: people annotate right now.
        ConfigError: the backup cannot be written; nothing is deleted.
        UnreachableError: Label Studio or the store fails.
    """
    with stack.lock("dataset delete", report.dataset):
        backups = _back_up(stack, report, track)
        _remove(stack, report)
    return replace(report, deleted=True, backups=tuple(str(file) for file in backups))


def _project(stack: Stack, name: str) -> ProjectCounts | None:
    """The dataset's project; not one that only has this title now, and is another dataset's."""
    project = lookup_project(stack, name)
    if project is None:
        return None
    owner = noted_projects(stack).get(project.identity)
    if owner is None and not stack.studio.storages.is_connected(project.id):
        raise RefusedError(
            f"the Label Studio project {project.title} ({project.id}) was neither made nor adopted "
            "by annoloop, and is not deleted",
            "Delete it in Label Studio, under Settings; or leave it: --keep-project",
        )
    return project if owner in (None, name) else None


def _remove(stack: Stack, report: DeleteReport) -> None:
    if report.project is not None:
        stack.studio.projects.delete(report.project)
    if report.stored:
        for part in reversed(PARTS):
            stack.store.delete_below(f"{part}/{report.dataset}")


def _annotations(
    stack: Stack, project: ProjectCounts | None, last: Snapshot
) -> tuple[Annotation, ...] | None:
    """All answers of people; ``None`` for a project that asks for something else than labels."""
    if project is None:
        return last.annotations
    try:
        return pull(stack.studio, project, last, accept_loss=True).annotations
    except DataError:
        return None


def _count_uploads(stack: Stack, project: ProjectCounts) -> int:
    try:
        waiting = stack.studio.tasks.without_key(project.id)
    except DataError:  # it asks for something else than labels of an image
        return 0
    return sum(UPLOADS in address for _, address in waiting)


def _back_up(stack: Stack, report: DeleteReport, track: Track) -> list[Path]:
    """Write what people gave to the project folder, and make sure that it is on the disk."""
    name = report.dataset
    last = stack.snapshots_of(name).latest() if report.stored else Snapshot()
    folder = stack.loaded.path(BACKUPS)
    now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
    file = folder / f"{safe_name(name)}-{now}.json"
    written: list[Path] = []
    try:
        make_private(folder)
        if report.project is not None:
            _write(file, _watched(stack, report.project, track))
            written.append(file)
            config = file.with_name(f"{file.stem}.label-config.xml")
            config.write_text(stack.studio.projects.label_config(report.project), encoding="utf-8")
            flush(config)
            written.append(config)
        elif last.number:
            tasks = stored_tasks(stack, stack.catalog_of(name), last)
            _write(file, track(tasks, "back up"))
            written.append(file)
        if last.number:
            beside = file.with_name(f"{file.stem}.snapshot.json")
            beside.write_bytes(stack.snapshots_of(name).raw(last.number))
            flush(beside)
            written.append(beside)
        flush(folder)
    except OSError as error:
        raise ConfigError(
            f"the backup in {folder} cannot be written: {error.strerror or error}; "
            "nothing was deleted",
            "Make room, or make the folder writable, then type the same command again.",
        ) from error
    return written


def _write(file: Path, tasks: Iterator[dict[str, Any]]) -> None:
    with replacing(file) as part:
        write_tasks(part, tasks)
        flush(part)


def _watched(stack: Stack, project: int, track: Track) -> Iterator[dict[str, Any]]:
    """All tasks of a project, unless they change meanwhile or some do not come.

    Raises:
        DataError: someone annotates.
        UnreachableError: the server gave fewer than it has.
    """
    before = stack.studio.projects.get(project)
    number = 0
    for task in track(live_tasks(stack, project, annotated=False), "back up"):
        number += 1
        yield task
    after = stack.studio.projects.get(project)
    if before is None or after is None or _counters(before) != _counters(after):
        raise DataError(
            "people annotate in the project right now; nothing was deleted",
            "Ask them to stop, then type the same command again.",
        )
    if number != after.tasks:
        raise UnreachableError(
            f"Label Studio gave {number} of the project's {after.tasks} tasks; nothing was deleted",
            "Type the same command again.",
        )


def _counters(project: ProjectCounts) -> tuple[int, int, int]:
    return project.tasks, project.annotations, project.skips


def _no_dataset(stack: Stack, name: str, keep_project: bool) -> NoReturn:
    if not keep_project:
        find_project(stack, name)  # its error names close names
    raise DataError(
        f"the store has no dataset {name}", "See which there are: annoloop dataset list"
    )
