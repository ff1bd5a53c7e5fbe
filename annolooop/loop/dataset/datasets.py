"""Which datasets there are, and where people annotate them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from annolooop.loop.labels.again import find_again
from annolooop.loop.labels.datasets import stored_datasets
from annolooop.loop.labels.open_page import open_page
from annolooop.loop.labels.project import find_project, noted_project
from annolooop.loop.rounds.next_step import LoopState
from annolooop.loop.rounds.queue import Queue, find_queue
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


@dataclass(frozen=True, kw_only=True)
class LaunchReport(Queue):
    """Where people annotate.

    Attributes:
        dataset: its name.
        own: it is the stack file's.
        opened: the page was opened in the browser.
        again: tasks whose answer says nothing, as of the last `sync`'s tab of them.
        again_url: of that tab, which is opened once the queue is answered.
        login_used_twice: the login was asked for twice: somebody else may have taken it.
        login: file that holds the login of our own server; ``None`` for that of someone else.
    """

    dataset: str
    opened: bool
    own: bool = True
    login: str | None = None
    again: int = 0
    again_url: str = ""
    login_used_twice: bool = False

    @property
    def state(self) -> LoopState:
        """The loop while people label, or where another query is needed to do so."""
        known = LoopState(dataset=self.dataset, own=self.own, asked=self.asked)
        if self.interrupted:
            return known
        return replace(known, news=None, left=self.left + self.waiting, opened=True)


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
    project = find_project(stack, name)
    queue = find_queue(stack, name, project)
    again_url, again = find_again(stack, project)
    if again and queue.round and not (queue.left or queue.waiting):
        queue = replace(queue, url=again_url)
    opened, again_asked = open_page(stack, queue.url) if browser else (False, False)
    login = str(stack.daemon.credentials_file) if stack.daemon else None
    own = stack.owns(name)
    found = LaunchReport(**vars(queue), dataset=name, opened=opened, own=own, login=login)
    found = replace(found, login_used_twice=again_asked)
    return replace(found, again=again, again_url=again_url if again else "")
