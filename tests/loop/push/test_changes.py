"""A store that others fill: what is new, changed or gone is told, and no task is dropped."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from support.project import Project, write_photos

from annolooop.domain.progress import Objects, untracked
from annolooop.domain.tasks import Image
from annolooop.errors import DataError, UsageError
from annolooop.labelstudio.api.tasks import IS_VANISHED
from annolooop.loop.embed.batch import list_batch
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.quality.describe import describe
from annolooop.loop.quality.stats import stats
from annolooop.loop.sync.sync import SyncReport, sync
from annolooop.loop.train.train import train
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.images import ImageCatalog, place_of

NAMES = ["aria_0.jpg", "aria_1.jpg", "aria_2.jpg", "not_aria_0.jpg", "not_aria_1.jpg"]


class Filled:
    """A project on images of a store that others fill, and what they do there."""

    def __init__(self, project: Project) -> None:
        self.project = project
        stack = project.stack()
        assert stack.store.local_path
        self.images = stack.store.local_path / "images"
        write_photos(self.images / "b", NAMES)
        train(stack, False, untracked)
        infer(project.stack(), "images/b", InferOptions(), untracked)
        found = project.stack().studio.projects.find(stack.config.dataset.name)
        assert found
        self.id, self.name, self.studio = found.id, found.title, project.stack().studio

    def sync(self, check: bool = False, sure: bool = False) -> SyncReport:
        return sync(self.project.stack(), check, untracked, sure)

    def tasks(self) -> dict[str, dict[str, Any]]:
        """File name -> number and data of its task."""
        pages = self.studio.data_manager.tasks(self.id, "id,data")
        return {Path(task["data"]["key"]).name: task for task in pages}

    def take(self, *names: str) -> None:
        for name in names:
            (self.images / "b" / name).rename(self.images.parent / name)

    def put_back(self, *names: str) -> None:
        for name in names:
            (self.images.parent / name).rename(self.images / "b" / name)


@pytest.fixture
def filled(project: Project) -> Filled:
    return Filled(project)


def test_sync_tells_what_is_new_changed_and_gone_and_infer_takes_it_in(filled: Filled) -> None:
    project = filled.project
    quiet = filled.sync(check=True)
    assert (quiet.new, quiet.changed, quiet.vanished) == (Objects(), Objects(), Objects())
    assert quiet.exit_code == 0
    write_photos(filled.images / "b" / "deep", ["new.jpg"], seed=30)
    write_photos(filled.images / "of_another_dataset", ["x.jpg"], seed=40)
    (filled.images / "b" / "broken.jpg").write_text("no image")
    (filled.images / "b" / "notes.txt").write_text("no image")
    write_photos(filled.images / "b", ["aria_0.jpg"], seed=50)
    filled.take("aria_1.jpg")
    foreseen = project.json("sync", "--check", code=2)
    assert foreseen["new"] == {
        "count": 2,
        "first": ["images/b/broken.jpg", "images/b/deep/new.jpg"],
    }
    assert foreseen["changed"] == {"count": 1, "first": ["images/b/aria_0.jpg"]}
    assert foreseen["vanished"] == {"count": 1, "first": ["images/b/aria_1.jpg"]}
    assert (foreseen["batches"], foreseen["marked"]) == (["images/b"], 1)
    assert "vanished" not in filled.tasks()["aria_1.jpg"]["data"]
    told = project.run("sync")
    assert "new in the store, not read by infer yet: 2\n  images/b/broken.jpg\n" in told.stdout
    assert "annoloop infer --batch images/b" in told.stderr
    # What is told to type takes both in, and tells what is gone. What is no image stays out.
    report = infer(project.stack(), "images/b", InferOptions(), untracked)
    assert (report.embedded, report.tasks_created, report.changed) == (2, 1, 1)
    assert [row["file"] for row in report.unreadable] == ["images/b/broken.jpg"]
    assert report.vanished == Objects(1, ("images/b/aria_1.jpg",))
    after = filled.sync(check=True)
    assert (after.new.count, after.changed.count, after.exit_code) == (0, 0, 0)
    write_photos(filled.images / "b", ["broken.jpg"], seed=80)  # mended
    assert filled.sync(check=True).new.first == ("images/b/broken.jpg",)
    # Without a batch, infer reads what changed, and tells what is gone, too.
    write_photos(filled.images / "b", ["aria_2.jpg"], seed=60)
    report = infer(project.stack(), None, InferOptions(), untracked)
    assert (report.changed, report.vanished.count, report.unreadable) == (1, 1, ())


def test_watched_are_folders_with_images_of_the_dataset_and_those_that_were_named(
    tmp_path: Path,
) -> None:
    store = ArtifactStore(str(tmp_path))
    catalog = ImageCatalog(store, "d")
    keys = ["images/x.jpg", "images/mine/x.jpg", "images/shared/cats/x.jpg"]
    catalog.add([Image(key, "0" * 64) for key in keys], {})
    catalog.watch("images/named")
    catalog.watch("images/named/below")  # goes without saying
    places = ImageCatalog(store, "d").places()
    assert places == {"images/mine", "images/shared/cats", "images/named"}
    for key, place in {
        "images/mine/deep/new.jpg": "images/mine",
        "images/named/at any/depth/new.jpg": "images/named",
        "images/shared/cats/new.jpg": "images/shared/cats",
        "images/shared/dogs/new.jpg": None,
        "images/new.jpg": None,
        "images/mine, too/new.jpg": None,
        "models/mine/new.jpg": None,
    }.items():
        assert place_of(key, places) == place, key


def test_task_of_a_vanished_image_is_marked_until_the_image_is_back(filled: Filled) -> None:
    task = filled.tasks()["aria_0.jpg"]
    filled.studio.annotations.create(filled.id, task["id"], ["aria"], 1.0)
    filled.take("aria_0.jpg", "aria_1.jpg")
    gone = filled.sync()
    assert (gone.vanished.count, gone.marked, gone.withheld, gone.labeled) == (2, 2, 0, 1)
    marked = filled.tasks()
    assert marked["aria_0.jpg"]["id"] == task["id"]
    whole = filled.studio.connection.get(f"/api/tasks/{task['id']}")
    assert whole["data"]["vanished"] > whole["created_at"][:19]
    assert [len(whole[part]) for part in ("annotations", "predictions")] == [1, 1]
    # Whom a tab of the project filters them out for is not shown them.
    unmarked = {**IS_VANISHED, "value": True}
    shown = filled.studio.connection.post(
        f"/api/dm/actions?id=next_task&project={filled.id}",
        {"filters": {"conjunction": "and", "items": [unmarked]}},
    )
    assert "vanished" not in shown["data"]
    assert stats(filled.project.stack(), filled.name).vanished == 2
    assert describe(filled.project.stack(), filled.name, True).missing_images == 2
    # Once: the time stays.
    assert filled.sync().marked == 0
    now = filled.tasks()
    assert now["aria_0.jpg"]["data"] == marked["aria_0.jpg"]["data"]
    # Back with the same content, and back with another one, for which the rules of those hold.
    filled.put_back("aria_0.jpg", "aria_1.jpg")
    write_photos(filled.images / "b", ["aria_1.jpg"], seed=70)
    assert filled.sync(check=True).unmarked == 2
    back = filled.sync()
    assert (back.vanished.count, back.unmarked, back.changed.count) == (0, 2, 1)
    assert all("vanished" not in t["data"] for t in filled.tasks().values())
    assert stats(filled.project.stack(), filled.name).vanished == 0
    assert infer(filled.project.stack(), None, InferOptions(), untracked).changed == 1


def test_most_images_gone_at_once_are_not_marked_unless_that_is_confirmed(filled: Filled) -> None:
    filled.take("aria_0.jpg", "aria_1.jpg")
    filled.sync()
    shutil.rmtree(filled.images)  # as if it were not mounted
    told = filled.project.run("sync")
    assert "not marked as vanished: 3 tasks" in told.stdout
    assert "--mark-vanished" in told.stderr
    assert filled.sync(check=True).exit_code == 2
    with pytest.raises(DataError, match="all 5 images of the dataset are gone"):
        infer(filled.project.stack(), None, InferOptions(), untracked)
    assert filled.sync(sure=True).marked == 3
    assert filled.sync(check=True).exit_code == 0
    assert len(filled.tasks()) == 5
    filled.images.parent.rename(filled.images.parent.with_name("elsewhere"))
    told = filled.project.run("sync")
    assert "not in this store: the images of all 5 tasks" in told.stdout
    assert "annoloop stack show" in told.stderr


def test_vanished_image_without_a_task_gets_none_until_it_is_back(filled: Filled) -> None:
    filled.studio.connection.call("DELETE", f"/api/tasks/{filled.tasks()['aria_0.jpg']['id']}")
    filled.take("aria_0.jpg")
    gone = filled.sync()
    assert (gone.vanished.count, gone.tasks_created, gone.marked) == (1, 0, 0)
    filled.put_back("aria_0.jpg")
    assert filled.sync().tasks_created == 1


def test_label_of_a_vanished_image_is_learnt_from_while_its_embedding_is_kept(
    filled: Filled,
) -> None:
    for name, task in filled.tasks().items():
        label = "not_aria" if "not_aria" in name else "aria"
        filled.studio.annotations.create(filled.id, task["id"], [label], 1.0)
    filled.take("aria_0.jpg")
    filled.sync()
    everything = "train.holdout=0"
    kept = train(filled.project.stack(everything), True, untracked)
    assert (kept.examples, kept.learnt, kept.unreadable) == (5, 5, ())
    shutil.rmtree(filled.images.parent / "embeddings")
    other = filled.project.stack(everything, "train.seed=7", "cache_dir=elsewhere")
    report = train(other, True, untracked)
    assert (report.examples, report.learnt) == (5, 4)
    (row,) = report.unreadable
    assert (row["file"], row["reason"]) == ("images/b/aria_0.jpg", "it is no longer in the store")


def test_folder_of_the_store_that_people_would_not_see_is_refused(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    write_photos(tmp_path / "photos", ["x.jpg"])
    with pytest.raises(UsageError, match="Label Studio shows only what is there"):
        list_batch(str(tmp_path / "photos"), store, ImageCatalog(store, "d"))
    for ours in (tmp_path, tmp_path / "datasets"):
        ours.mkdir(exist_ok=True)
        with pytest.raises(UsageError) as caught:
            list_batch(str(ours), store, ImageCatalog(store, "d"))
        assert "Move" not in caught.value.hint
    with pytest.raises(UsageError, match=f"store.url is {tmp_path}"):
        list_batch("s3://bucket/photos", store, ImageCatalog(store, "d"))
