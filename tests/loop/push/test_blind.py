"""Images that people see without a prediction."""

import pytest
from support.project import Project, write_photos

from annolooop.domain.annotations import Annotation
from annolooop.loop.labels.project import find_project
from annolooop.loop.push.blind import blind_outcomes, blind_series, is_blind

NAMES = [f"{kind}{n}.jpg" for n in range(10) for kind in ("aria", "not_aria")]


@pytest.mark.story
def test_a_share_is_shown_without_prediction_until_it_is_turned_off(project: Project) -> None:
    write_photos(project.folder / "b", NAMES)
    write_photos(project.folder / "c", ["aria_late1.jpg", "late2.jpg", "late3.jpg"], seed=9)
    stack = project.stack()
    name, studio = stack.config.dataset.name, stack.studio
    project.json("train")
    project.json("infer", "--batch", "b")
    number = find_project(stack, name).id

    def shown() -> dict[str, list[str]]:
        """Content hash -> versions whose predictions Label Studio has."""
        having = {
            v: set(studio.predictions.tasks(number, [v]))
            for v in studio.predictions.count_by_version(number)
        }
        return {
            task.sha256: [version for version, tasks in having.items() if task.id in tasks]
            for task in studio.tasks.list(number)
        }

    before = shown()
    blind = {sha256 for sha256 in before if is_blind(sha256, 0.4)}
    assert all(before.values())
    assert 0 < len(blind) < len(before)
    # One was annotated with its prediction in view: it stays as this person saw it.
    seen = next(task for task in studio.tasks.list(number) if task.sha256 in blind)
    studio.annotations.create(number, seen.id, ["aria"], 1.0)

    told = project.json("infer", "--blind-share", "0.4")["blind"]
    assert told == {"share": 0.4, "images": len(blind), "cleared": len(blind) - 1, "seen": 1}
    assert {s for s, versions in shown().items() if not versions} == blind - {seen.sha256}
    for again in ("infer", "sync"):
        assert project.json(again)["predictions_pushed"] == 0
    assert project.json("infer", "--dry-run")["predictions_pushed"] == 0

    # New images keep to it, as does what another command pushes.
    late = project.json("infer", "--batch", "c")
    now = shown()
    assert late["tasks_created"] == 3
    assert late["predictions_pushed"] == sum(map(bool, now.values())) - len(before) + len(blind) - 1
    blind = {sha256 for sha256 in now if is_blind(sha256, 0.4)}
    assert {s for s, versions in now.items() if not versions} == blind - {seen.sha256}
    (version,) = studio.predictions.count_by_version(number)
    kept = list(blind_series(stack, name).each())
    assert {sha256 for record in kept for sha256 in record.said} == blind
    assert {record.version for record in kept} == {version}

    task = next(task for task in studio.tasks.list(number) if task.sha256 in blind - {seen.sha256})
    (said,) = next(record.said[task.sha256] for record in kept if task.sha256 in record.said)
    studio.annotations.create(number, task.id, [said], 1.0)
    project.json("sync")
    annotations = stack.snapshots.latest().annotations
    assert {a.task: a.shown_version for a in annotations} == {seen.id: version, task.id: None}
    assert blind_outcomes(stack, name, annotations, "single") == (1, 0)
    earlier = Annotation(9, 9, "k", task.sha256, (said,), False, False, 1, "2020-01-01T00:00:00Z")
    assert blind_outcomes(stack, name, [earlier], "single") == (0, 0)

    off = project.json("infer", "--blind-share", "0")
    assert off["blind"] is None
    assert all(shown().values())
    assert project.json("infer", "--dry-run")["predictions_pushed"] == 0
