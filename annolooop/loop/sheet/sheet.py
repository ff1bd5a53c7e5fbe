"""The contact sheet: a person judges a page of images at a time, each answer an annotation."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from annolooop.domain.annotations import Snapshot
from annolooop.domain.progress import Track
from annolooop.domain.rounds import Page, Saved
from annolooop.errors import DataError, UnreachableError, UsageError, did_you_mean
from annolooop.labelstudio.api.sessions import Person, Sessions
from annolooop.labelstudio.label_config import hotkeys
from annolooop.labelstudio.results import BLIND_SHEET, SHEET, build_result
from annolooop.loop.labels.project import find_project
from annolooop.loop.labels.pull import pull
from annolooop.loop.push.plan import expected_index
from annolooop.loop.quality.propose import AcceptOptions
from annolooop.loop.quality.thresholds import find_thresholds
from annolooop.loop.sheet.kinds import BLIND, LABEL, LEAST_SURE, SUREST, read_rows
from annolooop.loop.sheet.pool import Pool
from annolooop.loop.sheet.thumbnails import Thumbnails
from annolooop.loop.versions.predict import Predictor, require_current
from annolooop.model.picture import Unreadable
from annolooop.model.thumbnail import thumbnail
from annolooop.stack import Stack
from annolooop.storage.images import Lost, read_image

REQUESTS_AT_ONCE = 8
OWN_KEYS = "ursz"  # of the page: undo, repeat, skip, zoom
SCREEN = 1600  # pixels of the longer side
SECONDS_KNOWN = 60.0  # for which the server is not asked again who somebody is


class Sheet:
    """Pages of untouched tasks, and what people answer on them.

    Args:
        stack: the annotation loop.
        kind: one of ``KINDS``; empty: the least sure first where `accept` would answer the rest,
            which takes fewest looks, and else the surest first.
        label: of the kind ``label``.
        track: shows how far it is.

    Raises:
        DataError: there is no trained version, or people choose several labels.
        UsageError: no version predicts the label.
        UnreachableError: Label Studio or the store fails.
    """

    def __init__(self, stack: Stack, kind: str, label: str, track: Track) -> None:
        version = require_current(stack)
        if not version.trained:
            raise DataError(
                f"model {version.name} is not trained yet, so there are no predictions to judge",
                "Label some tasks one by one, then: annoloop next",
            )
        if version.choice != "single":
            raise DataError(
                "a contact sheet is for single choice", "Label one by one: annoloop next"
            )
        if kind == LABEL and label not in version.labels:
            raise UsageError(
                f"{version.name} does not predict {label}{did_you_mean(label, version.labels)}",
                f"It predicts: {', '.join(version.labels)}",
            )
        self.dataset = stack.config.dataset.name
        self.labels = tuple(stack.config.dataset.labels)
        self.keys = hotkeys(self.labels, OWN_KEYS)
        self._stack, self._project = stack, find_project(stack, self.dataset)
        predictor = Predictor(stack, version, stack.embeddings(version.backbone))
        snapshot = pull(stack.studio, self._project, stack.snapshots.latest())
        index = expected_index(stack, self._project)
        kind = kind or _propose(stack, predictor, snapshot)
        rows = read_rows(stack, predictor, index, snapshot, kind, label, track)
        self._pool = Pool(rows, predictor.embeddings, stack.config.train.seed)
        self._labelling = stack.studio.projects.labelling(self._project.id)
        self._way = BLIND_SHEET if kind == BLIND else SHEET
        self._thumbnails = Thumbnails(stack)
        self._sessions = Sessions(stack.studio.url, stack.config.label_studio.timeout)
        self._known: dict[str, tuple[Person, float]] = {}
        self._sending: set[int] = set()
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """Images that nobody has answered."""
        return len(self._pool)

    def person(self, session: str) -> Person:
        """Who is logged in, by the cookie of their browser.

        Raises:
            NotLoggedIn: nobody.
        """
        known = self._known.get(session)
        if known is None or known[1] < time.monotonic():
            known = (self._sessions.whoami(session), time.monotonic() + SECONDS_KNOWN)
            self._known[session] = known
        return known[0]

    def page(self, person: Person, size: int, anew: bool) -> Page | None:
        """The next page; ``anew`` where the person's page began, which forgets earlier ones."""
        if anew:
            self._pool.release(person.id)
        return self._pool.page(person.id, size)

    def save(self, session: str, answers: Mapping[int, str | None], seconds: float) -> Saved:
        """Make annotations of a page's answers, each as if the person had submitted it alone.

        Sent again, nothing is added: who has answered a task is asked first.

        Args:
            session: of the person's browser.
            answers: task -> label, or ``None`` to skip it; only tasks that were on a page.
            seconds: that the page took; each answer has its part.

        Raises:
            NotLoggedIn: the session has ended.
            UnreachableError: Label Studio does not answer; what was saved by then stays.
        """
        person = self.person(session)
        with self._lock:  # the same page, sent twice at once
            busy = [task for task in answers if task in self._sending]
            tasks = [task for task in answers if task not in self._sending]
            self._sending |= set(tasks)
        try:
            by = self._stack.studio.tasks.answered_by(self._project.id, tasks)
            known = tuple(task for task in tasks if person.id in by.get(task, ()))
            new = [task for task in tasks if task not in by and task in self._pool]
            taken = tuple(task for task in tasks if task not in {*known, *new})
            share = round(seconds / max(len(answers), 1), 3)
            made, failed = self._annotate(session, {task: answers[task] for task in new}, share)
        finally:
            self._sending -= set(tasks)
        self._pool.answered([*made, *known, *taken])
        return Saved(made, known, taken, failed | dict.fromkeys(busy, "it is being saved"))

    def _annotate(
        self, session: str, answers: Mapping[int, str | None], seconds: float
    ) -> tuple[dict[int, int], dict[int, str]]:
        """Task -> its annotation; and task -> why there is none."""
        made: dict[int, int] = {}
        failed: dict[int, str] = {}

        def one(task: int) -> None:
            label = answers[task]
            result = build_result(self._labelling, [label] if label else [], way=self._way)
            try:
                made[task] = self._sessions.annotate(session, task, result, seconds, not label)
            except UnreachableError as error:
                failed[task] = error.message

        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as requests:
            list(requests.map(one, answers))
        return made, failed

    def take_back(self, session: str, annotations: Mapping[int, int | None]) -> None:
        """Delete the annotations that the person made on a page; its tasks are theirs to judge.

        Args:
            session: of the person's browser.
            annotations: task -> annotation; ``None`` where the page does not know it, since the
                connection broke while it was saved.

        Raises:
            NotLoggedIn: the session has ended.
            UnreachableError: Label Studio does not answer.
        """
        person = self.person(session)
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as requests:
            list(requests.map(partial(self._withdraw, session, person), annotations.items()))
        self._pool.put_back(annotations, person.id)

    def _withdraw(self, session: str, person: Person, made: tuple[int, int | None]) -> None:
        task, annotation = made
        known = [annotation] if annotation else self._sessions.own(session, task, person)
        for one in known:
            self._sessions.withdraw(session, one)

    def thumbnail(self, sha256: str) -> bytes | None:
        """WebP of an image of a page; ``None`` where it cannot be shown."""
        image = self._pool.image(sha256)
        try:
            return self._thumbnails.read(image) if image else None
        except (Lost, Unreadable):
            return None

    def picture(self, sha256: str) -> bytes | None:
        """WebP of an image of a page, as large as a screen; ``None`` where it cannot be shown."""
        image = self._pool.image(sha256)
        try:
            return thumbnail(read_image(self._stack.store, image), SCREEN) if image else None
        except (Lost, Unreadable):
            return None


def _propose(stack: Stack, predictor: Predictor, snapshot: Snapshot) -> str:
    """The kind of sheet after which `accept` finishes the dataset, where it would accept some."""
    precision = AcceptOptions().precision
    try:
        find_thresholds(stack, predictor, snapshot, precision, per_label=False)
    except DataError:
        return SUREST
    return LEAST_SURE
