"""Other pictures come to lie under the keys of images that have tasks and answers."""

import time
from pathlib import Path

import pytest
from support.project import Project, Server, on_server, write_photos

from annolooop.domain.annotations import Annotation
from annolooop.domain.progress import untracked
from annolooop.loop.infer.infer import InferOptions, InferReport, infer
from annolooop.loop.quality.stats import stats
from annolooop.loop.sync.sync import sync
from annolooop.loop.train.train import train

PATIENCE = 10.0  # seconds


class Replaced:
    """Three images with tasks; the pictures of two were replaced, one of them annotated before.

    Attributes:
        annotated, untouched: ids of the tasks whose pictures were replaced.
        before: the answer, as it was pulled before.
        expected: report of a dry run.
        report: of the run after.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        stack = project.stack()
        train(stack, False, untracked)
        folder = stack.store.local_path
        assert folder
        self.folder = folder / "images" / "b"
        write_photos(self.folder, ["a.jpg", "b.jpg", "c.jpg"])
        self.infer()
        found = stack.studio.projects.find(stack.config.dataset.name)
        assert found
        self.id, self.name = found.id, found.title
        self.annotated, self.untouched, _ = (task.id for task in stack.studio.tasks.list(self.id))
        stack.studio.annotations.create(self.id, self.annotated, ["aria"], 1.0)
        self.before = self.pull()
        write_photos(self.folder, ["a.jpg", "b.jpg"], seed=90)
        self.expected = project.json("infer", "--batch", "b", "--dry-run", code=2)
        self.report = self.infer()

    def infer(self, push: bool = True) -> InferReport:
        return infer(self.project.stack(), "b", InferOptions(push=push), untracked)

    def pull(self) -> Annotation:
        sync(self.project.stack(), False, untracked)
        (annotation,) = self.project.stack().snapshots.latest().annotations
        return annotation

    def answer_again(self, annotation: int) -> None:
        """As who opens the task, once the server's clock is past the moment of the change."""
        studio = self.project.stack().studio
        since, deadline = studio.now(), time.monotonic() + PATIENCE
        while (studio.now() - since).total_seconds() < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        body = {"lead_time": float(time.monotonic())}
        studio.connection.call("PATCH", f"/api/annotations/{annotation}", body=body)

    def hashes(self) -> dict[str, str]:
        """File name -> content hash, as the dataset knows it now."""
        images = self.project.stack().catalog.images()
        return {Path(image.key).name: image.sha256 for image in images}


@pytest.fixture(scope="module")
def replaced(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Replaced:
    """One that is looked at, and does not change any more."""
    return Replaced(on_server(tmp_path_factory.mktemp("replaced"), server, "replaced pictures"))


@pytest.fixture
def changing(project: Project) -> Replaced:
    return Replaced(project)


def test_dry_run_counts_what_the_run_does(replaced: Replaced) -> None:
    for count in ("changed", "tasks_created", "predictions_pushed"):
        assert replaced.expected[count] == getattr(replaced.report, count)


def test_both_pictures_are_predicted_again(replaced: Replaced) -> None:
    report, stack = replaced.report, replaced.project.stack()
    assert (report.changed, report.tasks_created, report.predictions_pushed) == (2, 1, 2)
    assert report.unreadable == ()
    counts = stack.studio.predictions.count_by_version(replaced.id)
    assert counts == {report.model_version: 4}


def test_annotated_picture_keeps_its_task_and_the_new_one_gets_another(replaced: Replaced) -> None:
    tasks = {task.id: task for task in replaced.project.stack().studio.tasks.list(replaced.id)}
    assert len(tasks) == 4
    old, new = tasks[replaced.annotated], tasks[max(tasks)]
    assert (old.replaced, old.sha256) == (True, replaced.before.sha256)
    assert new.sha256 == replaced.hashes()["a.jpg"]


def test_task_that_nobody_touched_becomes_that_of_the_new_picture(replaced: Replaced) -> None:
    tasks = {task.id: task for task in replaced.project.stack().studio.tasks.list(replaced.id)}
    assert tasks[replaced.untouched].sha256 == replaced.hashes()["b.jpg"]


def test_answer_stays_with_the_picture_that_it_was_about(replaced: Replaced) -> None:
    pulled = replaced.pull()
    assert (pulled.sha256, pulled.outdated) == (replaced.before.sha256, True)
    counted = stats(replaced.project.stack(), replaced.name)
    assert (counted.labeled, counted.outdated) == (1, 1)


def test_second_run_changes_nothing(replaced: Replaced) -> None:
    again = replaced.infer()
    assert (again.changed, again.tasks_created, again.predictions_pushed) == (0, 0, 0)


def test_later_answers_are_about_the_picture_of_their_time(changing: Replaced) -> None:
    first = changing.pull()
    changing.answer_again(first.id)
    second = changing.pull()
    assert (second.sha256, second.outdated) == (changing.hashes()["a.jpg"], False)
    # With a third picture, that answer stays with the second, and the next is about the third.
    write_photos(changing.folder, ["a.jpg"], seed=120)
    changing.infer(push=False)
    assert sync(changing.project.stack(), True, untracked).predictions_pushed == 1
    assert sync(changing.project.stack(), False, untracked).predictions_pushed == 1
    kept = changing.pull()
    assert (kept.sha256, kept.outdated) == (second.sha256, True)
    changing.answer_again(first.id)
    third = changing.pull()
    assert (third.sha256, third.outdated) == (changing.hashes()["a.jpg"], False)
