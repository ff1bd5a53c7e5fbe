"""What two commands have sent twice is there once again, and no answer is lost."""

import pytest
from support.annotated_loop import Loop
from support.project import Project, Server

from annolooop.domain.progress import untracked
from annolooop.domain.tasks import Prediction
from annolooop.errors import UnreachableError
from annolooop.loop.push.push import Pusher
from annolooop.storage import intents
from annolooop.storage.lease import Lease, myself


@pytest.fixture
def loop(project: Project, server: Server) -> Loop:
    return Loop(project, server)


def send_again(loop: Loop, *names: str) -> list[int]:
    """The tasks of some images once more, as a computer that slept would send them."""
    version = loop.project.stack().registry.current()
    assert version
    data = loop.studio.tasks.data(loop.id, [loop.tasks[name] for name in names])
    prediction = Prediction(("aria",), 0.5)
    sent = [(data[loop.tasks[name]], prediction) for name in names]
    return list(loop.studio.tasks.create(loop.id, sent, version.name)[0])


def tasks_of(loop: Loop, name: str) -> list[int]:
    return [t.id for t in loop.studio.tasks.list(loop.id) if t.key.endswith(f"/{name}")]


def test_doubled_tasks_that_nobody_touched_are_deleted(loop: Loop) -> None:
    first, second = send_again(loop, "aria_0.jpg", "aria_1.jpg")
    loop.studio.annotations.create(loop.id, second, ["aria"], 1.0)
    report = loop.sync()
    assert (report.doubled, report.answered_twice) == (2, 0)
    assert tasks_of(loop, "aria_0.jpg") == [loop.tasks["aria_0.jpg"]]
    assert tasks_of(loop, "aria_1.jpg") == [second]  # the answer is there
    assert loop.stats().total == 16
    assert loop.sync().doubled == 0
    assert first not in tasks_of(loop, "aria_0.jpg")


def test_tasks_that_people_answered_both_stay_and_are_reported(loop: Loop) -> None:
    (double,) = send_again(loop, "aria_0.jpg")
    loop.annotate("aria_0.jpg", "aria")
    loop.studio.annotations.create(loop.id, double, ["not_aria"], 1.0)
    for _ in range(2):
        report = loop.sync()
        assert (report.doubled, report.answered_twice) == (0, 1)
    assert len(tasks_of(loop, "aria_0.jpg")) == 2


def test_task_with_a_draft_is_touched(loop: Loop) -> None:
    (double,) = send_again(loop, "aria_0.jpg")
    draft = {"result": [], "lead_time": 1.0}
    loop.http.post(f"/api/tasks/{double}/drafts", json=draft).raise_for_status()
    assert loop.sync().doubled == 1
    assert tasks_of(loop, "aria_0.jpg") == [double]


def test_doubled_predictions_are_deleted_once(loop: Loop) -> None:
    version = loop.project.stack().registry.current()
    assert version
    names = ["aria_0.jpg", "aria_1.jpg"]
    again = [(loop.tasks[name], Prediction(("aria",), 0.5)) for name in names]
    loop.studio.predictions.create(loop.id, again, version.name)
    assert loop.sync().doubled == 2
    assert loop.studio.predictions.count_by_version(loop.id) == {version.name: 16}
    assert loop.sync().doubled == 0


def test_command_that_lost_its_lock_in_mid_request_does_not_end_well(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.http.delete(f"/api/tasks/{loop.tasks['aria_0.jpg']}").raise_for_status()
    stack = loop.project.stack()
    version = stack.registry.current()
    assert version
    project = stack.studio.projects.get(loop.id)
    create = stack.studio.tasks.create

    def sleep(*args: object) -> object:
        """Another command takes the lock over, and does the same work."""
        other = Lease(loop.project.stack().store, loop.name, 60, print, silence=0)
        other.acquire(myself("annoloop sync", "somebody"))
        other.release()
        loop.sync()
        return create(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(intents, "SECONDS_OF_QUIET", 0.5)
    monkeypatch.setattr(stack.studio.tasks, "create", sleep)
    pusher = Pusher(stack, project, version.name, refresh=False, doubt=True)
    predictions = {
        image: Prediction(("aria",), 0.5)
        for image in stack.catalog.images()
        if image.key.endswith("/aria_0.jpg")
    }
    with pytest.raises(UnreachableError, match="was taken over"):
        pusher.send(predictions, untracked)
    assert len(tasks_of(loop, "aria_0.jpg")) == 2
    assert loop.sync().doubled == 1
    assert len(tasks_of(loop, "aria_0.jpg")) == 1
