"""The answers of a snapshot come back to a server that lost them, all or some."""

import json
from collections import Counter
from typing import Any

import pytest
from support.annotated_loop import NAMES, Loop, changes
from support.annotators import sign_up
from support.project import Project, Server

from annolooop.domain.annotations import Annotation
from annolooop.domain.progress import untracked
from annolooop.errors import DataError
from annolooop.loop.dataset.restore import RestoreReport, restore


@pytest.fixture
def loop(project: Project, server: Server) -> Loop:
    """Answers of two people, with a skip, a ground truth, a comment and an accepted prediction."""
    made = Loop(project, server)
    made.annotate_all()
    made.delete("aria_7.jpg")
    made.skip("aria_7.jpg")
    number = made.annotation_id("aria_0.jpg")
    comment = {
        "from_name": "comment",
        "to_name": "image",
        "type": "textarea",
        "value": {"text": ["blurred"]},
    }
    chosen = made.http.get(f"/api/annotations/{number}").json()["result"]
    body = {"ground_truth": True, "result": [*chosen, comment]}
    made.http.patch(f"/api/annotations/{number}", json=body).raise_for_status()
    other = sign_up(made.studio, f"{made.name.replace(' ', '')}@example.org")
    other.studio.annotations.create(made.id, made.tasks["aria_1.jpg"], ["not_aria"], 2.5)
    made.sync()
    return made


def answers(loop: Loop) -> Counter[tuple[Any, ...]]:
    """What people answered, by what does not depend on the server's numbers."""
    last = loop.project.stack().snapshots.latest()

    def content(a: Annotation) -> tuple[Any, ...]:
        who = last.people.get(a.annotator or 0)
        return a.key, a.sha256, a.labels, a.skipped, a.ground_truth, who, a.lead_time, a.extra

    return Counter(map(content, last.annotations))


def run(loop: Loop, number: int = 0) -> RestoreReport:
    return restore(loop.project.stack(), number, untracked)


def test_deleted_project_comes_back_with_every_answer(loop: Loop) -> None:
    before = answers(loop)
    assert sum(before.values()) == 17
    loop.studio.projects.delete(loop.id)
    report = run(loop)
    assert (report.made, report.answers, report.there, report.added) == (True, 17, 0, 17)
    assert (report.lost, report.newer, report.changed) == (0, 0, 0)
    assert answers(loop) == before
    for counts in (report.people, report.labels):
        assert all(was == now for was, now in counts.values())
    assert report.labels["(skipped)"] == (1, 1)
    assert changes(loop.sync()) == (0, 0, 0)
    assert loop.stats().total == 16


def test_second_restore_changes_nothing(loop: Loop) -> None:
    loop.studio.projects.delete(loop.id)
    run(loop)
    before = answers(loop)
    again = run(loop)
    assert (again.made, again.there, again.added) == (False, 17, 0)
    assert answers(loop) == before


def test_restore_that_was_interrupted_goes_on(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = answers(loop)
    loop.studio.projects.delete(loop.id)
    stack = loop.project.stack("label_studio.import_size=5")
    create, parts = stack.studio.tasks.create_annotated, []

    def end(project: int, tasks: Any) -> None:
        create(project, tasks)
        parts.append(len(tasks))
        if len(parts) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(stack.studio.tasks, "create_annotated", end)
    with pytest.raises(KeyboardInterrupt):
        restore(stack, 0, untracked)
    report = run(loop)
    assert (report.there + report.added, report.lost) == (17, 0)
    assert answers(loop) == before


def test_missing_answers_return_to_tasks_that_are_there(loop: Loop) -> None:
    before = answers(loop)
    for name in NAMES[1:7]:
        loop.delete(name)
    report = run(loop)
    assert (report.made, report.added, report.there) == (False, 6, 11)
    assert answers(loop) == before
    assert loop.stats().total == 16


def test_what_people_answered_since_stays(loop: Loop) -> None:
    loop.correct("not_aria_0.jpg", "aria")
    loop.delete("not_aria_1.jpg")
    report = run(loop)
    assert (report.newer, report.added, report.changed) == (1, 1, 0)
    labels = {a.key[9:]: a.labels for a in loop.project.stack().snapshots.latest().annotations}
    assert labels["not_aria_0.jpg"] == ("aria",)
    assert labels["not_aria_1.jpg"] == ("not_aria",)


def test_people_without_an_account_get_one(loop: Loop) -> None:
    snapshots = loop.project.stack().snapshots
    last = snapshots.latest()
    email = f"gone-{loop.name.replace(' ', '')}@example.org"
    for number in last.people:
        if "example.org" in last.people[number]:
            last.people[number] = email
    snapshots.write(last, last.number)
    loop.studio.projects.delete(loop.id)
    report = run(loop)
    assert report.accounts == (email,)
    assert report.people[email] == (1, 1)


def test_older_snapshot_can_be_named(loop: Loop) -> None:
    loop.annotate("aria_3.jpg", "not_aria")
    loop.sync()
    loop.studio.projects.delete(loop.id)
    assert run(loop, 1).answers == 17
    with pytest.raises(DataError, match="has no snapshot 9; there are: 1 to "):
        run(loop, 9)


def test_history_lists_snapshots_and_export_takes_one(loop: Loop) -> None:
    loop.annotate("aria_7.jpg", "aria")
    loop.sync()
    report = loop.project.json("dataset", "history")
    first, second = report["snapshots"]
    assert (first["number"], first["answers"], first["labeled"], first["skipped"]) == (1, 17, 15, 1)
    assert (second["answers"], second["updated"], second["by"] != "") == (18, 1, True)
    assert sorted(second["people"].values()) == [1, 17]
    made = loop.project.json(
        "dataset", "export", "--snapshot", "1", "--format", "csv", "--out", "one.csv"
    )
    assert (made["snapshot"], made["written"], made["live"]) == (1, 15, False)


def test_offline_export_can_be_imported_with_its_people(loop: Loop) -> None:
    words = ("--format", "label-studio", "--out", "tasks.json", "--offline")
    loop.project.json("dataset", "export", *words)
    tasks = json.loads((loop.project.folder / "tasks.json").read_text(encoding="utf-8"))
    other = loop.studio.projects.create("imported", ["aria", "not_aria"], "single")
    loop.studio.tasks.create_annotated(other.id, tasks)
    changed = loop.studio.annotations.changed_tasks(other.id)
    imported = list(loop.studio.annotations.list(other.id, changed))
    loop.studio.projects.delete(other.id)

    def content(a: Annotation) -> tuple[Any, ...]:
        return a.key, a.labels, a.skipped, a.ground_truth, a.annotator, a.lead_time, a.extra

    kept = loop.project.stack().snapshots.latest().annotations
    assert Counter(map(content, imported)) == Counter(map(content, kept))
