"""Which datasets there are, and where people annotate them."""

from collections.abc import Iterable
from dataclasses import dataclass

from annolooop.loop.labels.datasets import stored_datasets
from annolooop.loop.labels.project import find_project, noted_project
from annolooop.loop.rounds.queue import find_stream
from annolooop.stack import Stack


@dataclass(frozen=True)
class DatasetRow:
    """One line of `dataset list`."""

    name: str
    tasks: int | None
    labeled: int | None
    model_version: str | None
    url: str | None


@dataclass(frozen=True)
class DatasetListReport:
    """Datasets of the store, and of Label Studio."""

    datasets: tuple[DatasetRow, ...]


@dataclass(frozen=True)
class LaunchReport:
    """Where people annotate.

    Attributes:
        round: number of the query whose queue it is; 0 where there is no queue.
        asked: tasks of the queue.
        left: of these, that nobody annotated or skipped.
        waiting: of these, that were answered once and are asked of two people. With none of both,
            the address is that of all tasks.
        interrupted: number of a later query that was interrupted before it became the queue, and
            may have taken tasks out of this one; 0 where there is none.
        login: file that holds the login of our own server; ``None`` for that of someone else.
    """

    dataset: str
    url: str
    opened: bool
    round: int = 0
    asked: int = 0
    left: int = 0
    waiting: int = 0
    interrupted: int = 0
    login: str | None = None


def list_datasets(stack: Stack) -> DatasetListReport:
    """Datasets of the store and projects of Label Studio, by name.

    Raises:
        UnreachableError: Label Studio or the store does not answer.
    """
    stored = stored_datasets(stack)
    noted = _noted(stack, stored)
    projects = {noted.get(p.identity, p.title): p for p in stack.studio.projects.list()}
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
                    stack.studio.projects.stream_url(project.id),
                )
            )
    return DatasetListReport(tuple(rows))


def noted_projects(stack: Stack) -> dict[str, str]:
    """Identity of a Label Studio project -> dataset of the store whose project it is."""
    return _noted(stack, stored_datasets(stack))


def _noted(stack: Stack, stored: Iterable[str]) -> dict[str, str]:
    noted = {noted_project(stack, name): name for name in stored}
    return {identity: name for identity, name in noted.items() if identity}


def launch(stack: Stack, name: str, browser: bool) -> LaunchReport:
    """Show people where to annotate this dataset: its queue, or all of it if that is done.

    Args:
        stack: the annotation loop.
        name: of the dataset.
        browser: open the page in the browser, logged in where the server is ours.

    Raises:
        DataError: there is no such dataset.
    """
    found = find_stream(stack, name, find_project(stack, name))
    opened = browser and _open(stack, found.url)
    counts = (found.round, found.asked, found.left, found.waiting, found.interrupted)
    login = str(stack.daemon.credentials_file) if stack.daemon else None
    return LaunchReport(name, found.url, opened, *counts, login=login)


def _open(stack: Stack, url: str) -> bool:
    credentials = stack.daemon.credentials() if stack.daemon else None
    if credentials is None:
        import webbrowser

        return webbrowser.open(url)
    # Its small server loads what no look at the datasets needs.
    from annolooop.labelstudio.server.login import open_browser, open_session

    return open_browser(url, open_session(stack.studio.url, credentials))
