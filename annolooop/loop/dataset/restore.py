"""Bring the answers of a snapshot back to Label Studio, where it lost them."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from annolooop.domain.annotations import Annotation, ProjectCounts, Snapshot
from annolooop.domain.loss import Matching, Picture, emails_of, match, picture_of
from annolooop.domain.progress import Track
from annolooop.domain.tasks import Image
from annolooop.errors import DataError
from annolooop.labelstudio.results import build_result
from annolooop.labelstudio.server.database import AnswerRow
from annolooop.loop.dataset.task_file import answer_body
from annolooop.loop.labels.current import read_snapshot
from annolooop.loop.labels.project import ensure_project, lookup_project
from annolooop.loop.labels.snapshot import pull_snapshot
from annolooop.loop.push.push import addresses_of
from annolooop.stack import Stack
from annolooop.storage.intents import Intent
from annolooop.storage.lease import Lease

TIME_TO_IMPORT = timedelta(seconds=120)  # more than one request takes


@dataclass(frozen=True)
class RestoreReport:
    """What `restore` did with the answers of a snapshot.

    Attributes:
        snapshot: its number.
        project: title of the project.
        made: the project was made.
        answers: of the snapshot.
        there: of these, those that Label Studio had already.
        added: those that it got.
        changed: those that were older in Label Studio, and got their content back.
        newer: those that somebody has changed since; they stay as they are.
        lost: those that it did not get, though they were sent.
        accounts: e-mail addresses of people who got an account again; it has no password.
        people: person -> answers in the snapshot, and in Label Studio now.
        labels: label -> likewise.
        times: the answers have their own times in Label Studio again.
    """

    dataset: str
    snapshot: int
    project: str
    made: bool
    answers: int
    there: int
    added: int
    changed: int
    newer: int
    lost: int
    accounts: tuple[str, ...]
    people: dict[str, tuple[int, int]]
    labels: dict[str, tuple[int, int]]
    times: bool
    url: str
    seconds: float

    @property
    def exit_code(self) -> int:
        """5 when Label Studio does not have all answers afterwards."""
        return DataError.exit_code if self.lost else 0


def restore(stack: Stack, number: int, track: Track) -> RestoreReport:
    """Make Label Studio have every answer of a snapshot again.

    It may have none of them (a fresh server, a deleted project), some (an older copy of its
    database), or all. What people have answered there since stays. Interrupted, it goes on.

    Args:
        stack: the annotation loop.
        number: of the snapshot; 0 for the newest one with answers.
        track: shows how far it is.

    Raises:
        DataError: there is no such snapshot, or none with answers.
        UnreachableError: Label Studio or the store fails.
    """
    begun = time.monotonic()
    name = stack.config.dataset.name
    owner = stack.studio.people.whoami()
    snapshot = read_snapshot(stack, name, number) if number else _newest(stack, name)
    kept_by = emails_of(snapshot.people, owner)
    with stack.lock("restore") as lease:
        made = lookup_project(stack, name) is None
        project = ensure_project(stack, accept_loss=True, label_config=snapshot.label_config)
        work = Restoring(stack, project)
        work.await_interrupted()
        before = _present(stack, project)
        accounts = _ensure_accounts(stack, map(kept_by, snapshot.annotations))
        present_by = emails_of(stack.studio.people.emails(), owner)
        first = match(snapshot.annotations, kept_by, before, present_by)
        changed = work.change(lease, first)
        work.add(lease, first.missing, kept_by, track)
        now = match(snapshot.annotations, kept_by, _present(stack, project), present_by)
        times = work.give_times(now)
        project = stack.studio.projects.get(project.id) or project
        pulled, _ = pull_snapshot(stack, project, whole=True, accept_loss=True)
    return RestoreReport(
        dataset=name,
        snapshot=snapshot.number,
        project=project.title,
        made=made,
        answers=len(snapshot.annotations),
        there=len(first.pairs),
        added=len(first.missing) - len(now.missing),
        changed=changed,
        newer=len(now.changed),
        lost=len(now.missing),
        accounts=tuple(accounts),
        people=_counts(snapshot, pulled, lambda a, by: [by(a)]),
        labels=_counts(snapshot, pulled, _kinds),
        times=times,
        url=stack.studio.projects.stream_url(project.id),
        seconds=round(time.monotonic() - begun, 3),
    )


class Restoring:
    """Sends answers to a project.

    Args:
        stack: the annotation loop.
        project: whose.
    """

    def __init__(self, stack: Stack, project: ProjectCounts) -> None:
        self._stack, self._project = stack, project
        self._labelling = stack.studio.projects.labelling(project.id)
        self._intent: Intent[dict[str, int]] = Intent(
            stack.store, stack.config.dataset.name, "restoring", dict[str, int]
        )

    def await_interrupted(self) -> None:
        """Wait for the end of a request whose answer nobody received."""
        self._intent.await_end(lambda: self._stack.studio.projects.get(self._project.id))

    def change(self, lease: Lease, matching: Matching) -> int:
        """Give answers that are older on the server their content back. Returns how many."""
        older = [(a, b) for a, b in matching.changed if b.updated_at < a.updated_at]
        for a, b in older:
            with lease.guard():
                self._stack.studio.annotations.change(b.id, self._body(a))
        return len(older)

    def add(
        self,
        lease: Lease,
        missing: Sequence[Annotation],
        kept_by: Callable[[Annotation], str],
        track: Track,
    ) -> None:
        """Add answers: to the task of their picture, or with a task of their own."""
        stack, project = self._stack, self._project
        tasks = _tasks_by_picture(stack, project)
        grouped: dict[Picture, list[Annotation]] = defaultdict(list)
        for a in missing:
            grouped[picture_of(a)].append(a)
        of_people = stack.studio.people.ids()
        for picture in track(sorted(grouped.keys() & tasks.keys()), "restore"):
            for a in grouped.pop(picture):
                body = {**self._body(a), "completed_by": of_people[kept_by(a)]}
                with lease.guard(), self._intent.under_way({"answers": 1}):
                    stack.studio.annotations.add(tasks[picture], body)
        size = stack.config.label_studio.import_size
        pictures = sorted(grouped)
        for start in track(range(0, len(pictures), size), "restore"):
            chunk = pictures[start : start + size]
            later = stack.studio.now() + TIME_TO_IMPORT
            made = [self._task(grouped[p], kept_by, later) for p in chunk]
            with lease.guard(), self._intent.under_way({"answers": len(made)}):
                stack.studio.tasks.create_annotated(project.id, made)

    def give_times(self, matching: Matching) -> bool:
        """Write the times of answers into the database of our own server.

        Label Studio's requests have no room for them.

        Returns:
            Whether there is such a database.
        """
        daemon = self._stack.daemon
        if daemon is None:
            return False
        daemon.database.set_answers(map(self._row, matching.pairs))
        return True

    def _task(
        self,
        answers: Sequence[Annotation],
        kept_by: Callable[[Annotation], str],
        later: datetime,
    ) -> dict[str, Any]:
        """A task with its answers, as Label Studio imports it.

        Args:
            answers: about its picture.
            kept_by: names the person of each.
            later: by then the server has given the answers their time.
        """
        a = answers[-1]
        data: dict[str, str] = {self._labelling.data: a.address}
        if a.key:
            image = Image(a.key, a.sha256)
            address = addresses_of(self._stack, self._stack.catalog, [image])[a.key]
            data = {self._labelling.data: address, "key": a.key, "sha256": a.sha256}
            current = self._stack.catalog.get(a.key) if a.outdated else None
            if current and current.sha256 != a.sha256:
                data["replaced_by"] = current.sha256
                data["replaced_at"] = later.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        bodies = [{**self._body(b), "completed_by": {"email": kept_by(b)}} for b in answers]
        return {"data": data, "annotations": bodies}

    def _row(self, pair: tuple[Annotation, Annotation]) -> AnswerRow:
        kept, now = pair
        shown = build_result(self._labelling, kept.shown)
        return AnswerRow(
            created_at=kept.created_at or kept.updated_at,
            updated_at=kept.updated_at,
            shown=json.dumps({"model_version": kept.shown_version, "result": shown})
            if kept.shown_version
            else None,
            nobody=kept.annotator is None,
            id=now.id,
        )

    def _body(self, a: Annotation) -> dict[str, Any]:
        return answer_body(self._labelling, a)


def _newest(stack: Stack, name: str) -> Snapshot:
    snapshots = stack.snapshots_of(name)
    for number in reversed(snapshots.numbers()):
        snapshot = snapshots.read(number)
        if snapshot.annotations:
            return snapshot
    raise DataError(
        f"the store has no answers of the dataset {name}",
        "See which datasets it has: annoloop dataset list",
    )


def _ensure_accounts(stack: Stack, emails: Iterable[str]) -> list[str]:
    missing = sorted(set(emails) - set(stack.studio.people.emails().values()))
    for email in missing:
        stack.studio.people.create(email)
    return missing


def _present(stack: Stack, project: ProjectCounts) -> list[Annotation]:
    tasks = stack.studio.annotations.changed_tasks(project.id)
    return list(stack.studio.annotations.list(project.id, tasks))


def _tasks_by_picture(stack: Stack, project: ProjectCounts) -> dict[Picture, int]:
    """Picture -> the task that asks for it; not one whose picture was replaced."""
    tasks = {
        (task.key, task.sha256): task.id
        for task in stack.studio.tasks.list(project.id)
        if task.key and not task.replaced
    }
    others = stack.studio.tasks.without_key(project.id)
    return tasks | {(address, ""): task for task, address in others}


def _kinds(a: Annotation, by: Callable[[Annotation], str]) -> Iterator[str]:
    if a.skipped:
        yield "(skipped)"
    elif a.unreadable:
        yield "(cannot be read)"
    yield from a.labels or (() if a.skipped or a.unreadable else ("(nothing chosen)",))


def _counts(
    snapshot: Snapshot,
    pulled: Snapshot,
    kinds: Callable[[Annotation, Callable[[Annotation], str]], Iterable[str]],
) -> dict[str, tuple[int, int]]:
    def count(one: Snapshot) -> Mapping[str, int]:
        by = emails_of(one.people, "nobody known")
        return Counter(kind for a in one.annotations for kind in kinds(a, by))

    before, after = count(snapshot), count(pulled)
    return {kind: (before.get(kind, 0), after.get(kind, 0)) for kind in sorted({*before, *after})}
