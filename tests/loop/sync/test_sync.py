"""Annotations are pulled exactly, and what Label Studio has not is pushed."""

import pytest
from support.annotated_loop import NAMES, Loop, changes
from support.project import Project, Server

from annolooop.domain.progress import untracked
from annolooop.loop.sync.sync import sync


@pytest.fixture
def loop(project: Project, server: Server) -> Loop:
    return Loop(project, server)


def test_sync_reports_created_updated_and_deleted(loop: Loop) -> None:
    assert changes(loop.sync()) == (0, 0, 0)
    loop.annotate("aria_0.jpg", "aria")
    loop.annotate("aria_1.jpg", "aria")
    loop.annotate("aria_2.jpg", "aria")
    first = loop.sync()
    assert (changes(first), first.labeled, first.snapshot) == ((3, 0, 0), 3, 1)
    second = loop.sync()
    assert (changes(second), second.snapshot) == ((0, 0, 0), 1)
    loop.correct("aria_0.jpg", "not_aria")
    loop.delete("aria_1.jpg")
    loop.annotate("aria_3.jpg", "aria")
    third = loop.sync()
    assert (changes(third), third.labeled, third.snapshot) == ((1, 1, 1), 3, 2)
    labels = {a.key[9:]: a.labels[0] for a in loop.project.stack().snapshots.latest().annotations}
    assert labels == {"aria_0.jpg": "not_aria", "aria_2.jpg": "aria", "aria_3.jpg": "aria"}


def test_task_deleted_by_people_comes_back_and_its_annotation_does_not_stay(loop: Loop) -> None:
    loop.annotate("aria_0.jpg", "aria")
    loop.annotate("aria_1.jpg", "aria")
    loop.sync()
    loop.http.delete(f"/api/tasks/{loop.tasks['aria_0.jpg']}").raise_for_status()
    report = loop.sync()
    assert changes(report) == (0, 0, 1)
    assert (report.tasks_created, report.predictions_pushed) == (1, 1)
    assert loop.stats().total == 16


def test_ground_truth_annotations_are_pulled_incrementally_like_others(loop: Loop) -> None:
    loop.annotate("aria_0.jpg", "aria")
    loop.annotate("aria_1.jpg", "aria")
    url = f"/api/annotations/{loop.annotation_id('aria_0.jpg')}"
    loop.http.patch(url, json={"ground_truth": True}).raise_for_status()
    assert loop.sync().labeled == 2
    assert loop.stats().labeled == 2
    assert changes(loop.sync()) == (0, 0, 0)


def test_sync_check_counts_and_writes_nothing(loop: Loop) -> None:
    assert loop.project.json("sync", "--check")["created"] == 0
    loop.annotate("aria_0.jpg", "aria")
    loop.http.delete(f"/api/tasks/{loop.tasks['aria_1.jpg']}").raise_for_status()
    for _ in range(2):
        report = loop.project.json("sync", "--check", code=2)
        assert (report["created"], report["labeled"], report["snapshot"]) == (1, 1, 0)
        assert (report["tasks_created"], report["predictions_pushed"]) == (1, 1)
    assert loop.project.stack().snapshots.latest().number == 0
    assert loop.sync().tasks_created == 1
    assert loop.project.run("sync", "--check").returncode == 0


BROKEN = b"""{"result": [{"from_name": "label", "to_name": "image", "type": "choices",
    "value": {"choices": ["a\\ud800"]}}]}"""


def break_answer(loop: Loop, method: str, path: str) -> None:
    """Label Studio stores this answer, and fails from then on where it is to send it."""
    kind = {"Content-Type": "application/json"}
    assert loop.http.request(method, path, content=BROKEN, headers=kind).status_code == 500


def test_answer_that_label_studio_cannot_send_stops_nothing(loop: Loop) -> None:
    loop.annotate_all()
    loop.sync()
    was_right, never_read = NAMES[0], NAMES[1]
    loop.delete(never_read)
    break_answer(loop, "POST", f"/api/tasks/{loop.tasks[never_read]}/annotations/")
    break_answer(loop, "PATCH", f"/api/annotations/{loop.annotation_id(was_right)}/")
    for whole in (False, True):
        report = sync(loop.project.stack(), False, untracked, whole=whole)
        assert report.labeled == 15
        assert {row["file"]: row["reason"] for row in report.unreadable_answers} == {
            f"images/b/{never_read}, task {loop.tasks[never_read]}": (
                "an answer is left out: Label Studio fails to send it"
            ),
            f"images/b/{was_right}, task {loop.tasks[was_right]}": (
                "what it had last time counts: Label Studio fails to send it"
            ),
        }
    kept = {a.key: a.labels for a in loop.project.stack().snapshots.latest().annotations}
    assert kept[f"images/b/{was_right}"] == ("aria",)
    assert loop.train().trained
