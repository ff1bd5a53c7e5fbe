"""A server that lost answers, or has older ones, is not believed."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from support.annotated_loop import NAMES, Loop, changes
from support.project import Project, Server, write_photos

from annolooop.domain.annotations import Annotation, Snapshot
from annolooop.domain.progress import untracked
from annolooop.errors import RefusedError
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.sync.sync import sync


@pytest.fixture
def loop(project: Project, server: Server) -> Loop:
    made = Loop(project, server)
    made.annotate_all()
    made.sync()
    return made


def snapshots(loop: Loop) -> int:
    return loop.project.stack().snapshots.latest().number


def store_newer(loop: Loop, change: Callable[[Annotation], Annotation]) -> Snapshot:
    """The next snapshot, as if the database were put back to what it is since."""
    stored = loop.project.stack().snapshots
    last = stored.latest()
    later = last.watermark.replace("20", "30", 1)
    annotations = tuple(change(replace(a, updated_at=later)) for a in last.annotations)
    recent = dict.fromkeys(last.recent, later)
    newer = replace(last, watermark=later, recent=recent, annotations=annotations)
    stored.write(newer, last.number)
    return newer


@pytest.mark.parametrize("words", [["sync"], ["train", "--rerun"], ["infer"], ["dataset", "stats"]])
def test_deleted_project_stops_each_command(loop: Loop, words: list[str]) -> None:
    loop.studio.projects.delete(loop.id)
    ended = loop.project.run(*words, code=6).stderr
    assert "Label Studio has no project any more that has the 16 answers of snapshot 1" in ended
    assert "annoloop restore" in ended
    assert loop.studio.projects.find(loop.name) is None
    assert snapshots(loop) == 1


def test_project_that_somebody_made_anew_is_not_that_of_the_answers(loop: Loop) -> None:
    loop.studio.projects.delete(loop.id)
    loop.studio.projects.create(loop.name, ["aria", "not_aria"], "single")
    for check in (False, True):
        with pytest.raises(RefusedError, match="is not the one that has the 16 answers"):
            sync(loop.project.stack(), check, untracked)
    assert snapshots(loop) == 1


def test_accepted_loss_begins_again_and_keeps_the_older_snapshot(loop: Loop) -> None:
    loop.studio.projects.delete(loop.id)
    report = loop.project.json("sync", "--accept-loss")
    assert (report["deleted"], report["snapshot"], report["tasks_created"]) == (16, 2, 16)
    assert changes(loop.sync()) == (0, 0, 0)
    assert len(loop.project.stack().snapshots.read(1).annotations) == 16


def test_many_deleted_answers_stop_the_pull(loop: Loop) -> None:
    for name in NAMES[:5]:
        loop.delete(name)
    with pytest.raises(RefusedError, match="5 of 16 answers are not there any more"):
        loop.sync()
    assert snapshots(loop) == 1
    assert loop.project.json("sync", "--accept-loss")["deleted"] == 5


def test_few_deleted_answers_are_deleted_by_people(loop: Loop) -> None:
    for name in NAMES[:4]:
        loop.delete(name)
    assert changes(loop.sync()) == (0, 0, 4)


def test_older_copy_with_equal_counters_is_noticed(loop: Loop) -> None:
    store_newer(loop, lambda a: replace(a, labels=("aria",)))
    with pytest.raises(RefusedError, match="16 of 16 answers are older there than in snapshot 2"):
        loop.sync()
    with pytest.raises(RefusedError):
        loop.stats()


def test_project_that_vanishes_while_images_are_pushed(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_photos(loop.project.folder / "more", ["aria_20.jpg"])
    stack = loop.project.stack()
    create = stack.studio.tasks.create

    def vanish(*args: object) -> object:
        loop.studio.projects.delete(loop.id)
        return create(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(stack.studio.tasks, "create", vanish)
    with pytest.raises(RefusedError, match="no project any more"):
        infer(stack, str(loop.project.folder / "more"), InferOptions(), untracked)


def test_snapshot_knows_who_answered_and_how_long_it_took(loop: Loop, server: Server) -> None:
    last = loop.project.stack().snapshots.latest()
    answer = last.annotations[0]
    assert answer.annotator is not None
    assert last.people == {answer.annotator: server.username}
    assert (answer.lead_time, answer.created_at <= answer.updated_at) == (1.0, True)
    assert last.by == loop.project.stack().person
    assert "<Choices" in last.label_config
