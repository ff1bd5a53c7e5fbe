"""Which tasks exist is known without listing them, unless someone else changed what there is."""

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from support.annotated_dataset import put_images
from support.project import Project

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.tasks import Image, Prediction
from annolooop.labelstudio.api.connection import Connection
from annolooop.labelstudio.api.tasks import Tasks
from annolooop.loop.labels import snapshot
from annolooop.loop.labels.project import ensure_project
from annolooop.loop.labels.snapshot import pull_snapshot
from annolooop.loop.push.plan import PushPlan
from annolooop.loop.push.push import Pusher
from annolooop.stack import Stack
from annolooop.storage import intents

NOW = datetime.now(timezone.utc).isoformat()
V1, V2 = "v1-aaaaaa", "v2-bbbbbb"


class Sender:
    """Pushes as one command after another does, and counts the times that all were listed."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project = project
        self.images = list(put_images(project, [f"{n}.jpg" for n in range(5)]).values())
        self.listings = 0
        listing = Tasks.list

        def counted(tasks: Tasks, number: int, vanished: bool = False) -> object:
            self.listings += 1
            return listing(tasks, number, vanished)

        monkeypatch.setattr(Tasks, "list", counted)
        self.counts = ensure_project(project.stack())

    def pusher(self, version: str = V1, refresh: bool = False) -> tuple[Stack, Pusher]:
        stack = self.project.stack("label_studio.import_size=2")
        found = stack.studio.projects.get(self.counts.id)
        assert found
        return stack, Pusher(stack, found, version, refresh)

    def send(self, version: str = V1, images: int = 5) -> PushPlan:
        pusher = self.pusher(version, refresh=True)[1]
        done = pusher.send({i: Prediction(("aria",), 0.5) for i in self.images[:images]})
        pusher.finish()
        return done

    def delete(self, image: Image) -> None:
        stack = self.project.stack()
        stack.task_index.refresh()
        (task,) = stack.task_index.tasks([image.key])
        stack.studio.connection.call("DELETE", f"/api/tasks/{task.id}")

    def holds(self, **versions: int) -> None:
        """Each image has one task, and there are just so many predictions."""
        studio = self.project.stack().studio
        pages = studio.data_manager.tasks(self.counts.id, "id,data")
        assert set(Counter(str(t["data"].get("key")) for t in pages).values()) == {1}
        wanted = {name: n for name, n in ((V1, versions.get("v1")), (V2, versions.get("v2"))) if n}
        assert studio.predictions.count_by_version(self.counts.id) == wanted


def test_tasks_are_listed_only_when_others_changed_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(project, monkeypatch)
    assert len(sender.send(images=3).new) == 3
    first = sender.listings
    assert len(sender.send().new) == 2  # another machine would know, too: it is in the store
    assert not sender.send()
    assert len(sender.send(V2, images=1).unpredicted) == 1
    assert sender.listings == first
    sender.holds(v1=5, v2=1)
    # Deleted by a person: the server counts otherwise, before and during a push.
    sender.delete(sender.images[0])
    stack, pusher = sender.pusher()
    foreseen = Pusher(stack, sender.counts, V1, False).preview(sender.images)
    assert (foreseen.new, sender.listings) == ([sender.images[0]], first + 1)
    assert sender.send().new == [sender.images[0]]
    assert sender.listings == first + 2
    stack, pusher = sender.pusher(V2, refresh=True)
    assert not pusher.send({})
    sender.delete(sender.images[4])
    done = pusher.send({i: Prediction(("aria",), 0.5) for i in sender.images})
    assert (done.new, len(done.unpredicted)) == ([sender.images[4]], 4)
    sender.holds(v1=4, v2=5)
    # A person uploads one and deletes another: as many as before.
    body = [{"data": {"image": "https://example.org/x.jpg"}}]
    stack.studio.connection.post(f"/api/projects/{sender.counts.id}/import", body)
    before = sender.listings
    assert not sender.send(V2)
    assert sender.listings == before
    sender.delete(sender.images[1])
    assert sender.send(V2).new == [sender.images[1]]
    assert sender.listings == before + 1


def test_tasks_are_listed_when_asked_though_the_counters_agree(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(project, monkeypatch)
    sender.send()
    stack, pusher = sender.pusher()
    bare, double, other = (next(stack.task_index.tasks([i.key])).id for i in sender.images[:3])
    # As after an older copy of the database was put back.
    assert stack.studio.tasks.delete_predictions(bare)
    stack.studio.predictions.create(sender.counts.id, [(double, Prediction((), 0.5))], V1)
    stack.studio.tasks.update_data(other, sha256="0" * 64)
    assert not pusher.preview(sender.images)
    for doubtful in (
        Pusher(stack, sender.counts, V1, False, doubt=True).preview(sender.images),
        Pusher(stack, sender.counts, V1, False, doubt=True).send_images(
            sender.images, lambda images: dict.fromkeys(images, Prediction((), 0.5))
        ),
    ):
        assert list(doubtful.changed) == [sender.images[2]]
        assert {i.key for i in doubtful.unpredicted} == {
            i.key for i in (sender.images[0], sender.images[2])
        }
    assert not Pusher(stack, sender.counts, V1, False, doubt=True).preview(sender.images)
    sender.holds(v1=5)  # the double is gone, too


def test_tasks_that_the_server_made_without_predictions_get_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(project, monkeypatch)
    post = Connection.post

    def forgetful(server: Connection, path: str, body: object, *rest: Any) -> Any:
        # What Label Studio does when its database was locked, and it begins an import again.
        if path.endswith("/import"):
            assert isinstance(body, list)
            body = [{"data": task["data"]} for task in body]
        return post(server, path, body, *rest)

    monkeypatch.setattr(Connection, "post", forgetful)
    assert len(sender.send().new) == 5
    first = sender.listings
    assert not sender.send()
    assert sender.listings == first
    sender.holds(v1=5)


def test_everything_is_pulled_once_a_week_and_when_asked(project: Project) -> None:
    put_images(project, ["0.jpg"])
    stack = project.stack()
    found = ensure_project(stack)
    Pusher(stack, found, V1, False).send({i: Prediction((), 0.5) for i in stack.catalog.images()})
    (task,) = stack.studio.tasks.list(found.id)
    stack.studio.annotations.create(found.id, task.id, ["aria"], 1.0)

    def pull(whole: bool = False) -> int:
        now = stack.studio.projects.get(found.id)
        assert isinstance(now, ProjectCounts)
        return pull_snapshot(stack, now, whole)[1].updated

    pull()
    name = f"datasets/{stack.config.dataset.name}"
    for asked in (True, False):
        # As if the label had been changed in the server's database.
        number = stack.snapshots.numbers()[-1]
        raw = json.loads(stack.store.get(f"{name}/snapshots/{number:06}.json"))
        raw["annotations"][0]["labels"] = ["not_aria"]
        stack.store.put(f"{name}/snapshots/{number:06}.json", json.dumps(raw).encode())
        assert pull() == 0
        if not asked:
            note = json.loads(stack.store.get(f"{name}/pulled.json"))
            note["at"] = (datetime.now(timezone.utc) - timedelta(days=8)).isoformat()
            stack.store.put(f"{name}/pulled.json", json.dumps(note).encode())
        assert pull(whole=asked) == 1


@pytest.mark.parametrize("body", [b"", b"{}", b'{"project": 5, "at": []}', b'{"project": "x"}'])
def test_everything_is_pulled_where_the_note_of_the_last_time_is_damaged(
    project: Project, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    stack = project.stack()
    found, asked = ensure_project(stack), list[bool]()
    name = f"datasets/{stack.config.dataset.name}"
    monkeypatch.setattr(
        snapshot,
        "pull",
        lambda studio, project, last, whole, *rest: (
            asked.append(whole) or replace(last, created_at=NOW)
        ),
    )
    stack.store.put(f"{name}/pulled.json", body)
    pull_snapshot(stack, found)
    pull_snapshot(stack, found)
    assert asked == [True, False]


@pytest.mark.parametrize("body", [b"", b"[" * 9000, b'{"project": 5}', b'{"tasks": [[1]]}'])
def test_damaged_task_index_is_made_again(
    project: Project, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    sender = Sender(project, monkeypatch)
    sender.send()
    store, first = project.stack().store, sender.listings
    prefix = f"datasets/{project.stack().config.dataset.name}/tasks"
    for item in list(store.walk(prefix)):
        store.put(item.key, body)
    assert not sender.send()
    assert sender.listings == first + 1
    assert not sender.send()
    assert sender.listings == first + 1
    sender.holds(v1=5)


def test_damaged_announcement_doubles_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intents, "SECONDS_OF_QUIET", 0.5)
    sender = Sender(project, monkeypatch)
    sender.send(images=3)
    store, name = project.stack().store, project.stack().config.dataset.name
    # Its tasks are there, and the index does not know them: who sent them was killed.
    store.delete_below(f"datasets/{name}/tasks")
    store.put(f"datasets/{name}/pushing.json", b'{"version": ')
    assert len(sender.send().new) == 2
    sender.holds(v1=5)
    assert not store.exists(f"datasets/{name}/pushing.json")
