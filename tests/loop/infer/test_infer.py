"""Batches: odd names, unreadable files, repeats, kills."""

import csv
import json
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from pyarrow import parquet
from support.project import LABELS, Project, Server, free_port, write_photos

from annolooop.domain.progress import untracked
from annolooop.errors import UnreachableError
from annolooop.loop.embed import ordered_buffer
from annolooop.loop.embed.batch import list_batch
from annolooop.loop.infer.infer import InferOptions, InferReport, infer
from annolooop.loop.sync.sync import sync
from annolooop.loop.train.train import train
from annolooop.stack import Stack
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.embeddings.embeddings import Embeddings, Vector

T = TypeVar("T")

ODD_NAMES = [
    "a b.jpg",
    "c#1.jpg",
    "d?x=1.jpg",
    "e%41.jpg",
    "f+g.jpg",
    "h&i=j.jpg",
    "it's.jpg",
    'quo"te.jpg',
    "ünï-猫.jpg",
    "deep/er still/N.JPG",
    "[1].PNG",
    "semi;colon,comma.jpeg",
]


def run(project: Project, batch: str | None, rerun: bool = False, *overrides: str) -> InferReport:
    return infer(project.stack(*overrides), batch, InferOptions(rerun), untracked)


def counts(stack: Stack) -> tuple[Counter[str], dict[str, int]]:
    """How many tasks each key has, and how many predictions each version has."""
    found = stack.studio.projects.find(stack.config.dataset.name)
    assert found
    keys = Counter(task.key for task in stack.studio.tasks.list(found.id))
    return keys, stack.studio.predictions.count_by_version(found.id)


@pytest.fixture
def ready(project: Project) -> Project:
    """A project with its first model version."""
    train(project.stack(), False, untracked)
    return project


def test_without_a_model_it_says_to_train(project: Project) -> None:
    write_photos(project.folder / "b", ["a.jpg"])
    told = project.run("infer", "--batch", "b", code=5).stderr
    assert "has no model yet" in told
    assert "annoloop train" in told


def test_odd_keys_work_everywhere(ready: Project, server: Server) -> None:
    write_photos(ready.folder / "odd batch", ODD_NAMES)
    report = run(ready, str(ready.folder / "odd batch"))
    assert (report.images, report.tasks_created, report.unreadable) == (len(ODD_NAMES), 12, ())
    stack = ready.stack()
    keys, _ = counts(stack)
    assert set(keys) == {f"images/odd batch/{name}" for name in ODD_NAMES}
    found = stack.studio.projects.find(stack.config.dataset.name)
    assert found
    headers = {"Authorization": f"Token {server.token}"}
    for task in stack.studio.tasks.list(found.id):
        shown = httpx.get(f"{server.url}/api/tasks/{task.id}", headers=headers).json()
        picture = httpx.get(f"{server.url}{shown['data']['image']}", headers=headers)
        original = ready.folder / task.key.removeprefix("images/")
        assert picture.content == original.read_bytes(), task.key
        stack.studio.annotations.create(found.id, task.id, ["aria"], 1.0)
    assert sync(ready.stack(), False, untracked).labeled == len(ODD_NAMES)
    assert run(ready, str(ready.folder / "odd batch")).predictions_pushed == 0


def test_unreadable_files_are_named_and_the_rest_goes_on(
    ready: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = ready.folder / "b"
    write_photos(batch, ["good.jpg", "cut.jpg"])
    (batch / "cut.jpg").write_bytes((batch / "cut.jpg").read_bytes()[:500])
    (batch / "empty.jpg").touch()
    (batch / "text.png").write_text("not a picture")
    (batch / "notes.txt").write_text("no image at all")
    (batch / ".hidden.jpg").write_bytes(b"")
    (batch / "gone.jpg").symlink_to(batch / "nowhere.jpg")
    report = run(ready, str(batch))
    reasons = {Path(row["file"]).name: row["reason"] for row in report.unreadable}
    assert set(reasons) == {"cut.jpg", "empty.jpg", "text.png", "gone.jpg"}
    assert reasons["empty.jpg"] == "the file is empty"
    assert (report.images, report.tasks_created) == (1, 1)
    assert [i.key for i in ready.stack().catalog.images()] == ["images/b/good.jpg"]
    stored = [found.key for found in ready.stack().store.walk("images")]
    assert stored == ["images/b/good.jpg"]
    # They are not tried again: nothing that decodes is loaded.
    monkeypatch.setattr(Stack, "restore_pipeline", lambda *_: pytest.fail("it was loaded"))
    again = run(ready, str(batch))
    assert {Path(row["file"]).name: row["reason"] for row in again.unreadable} == reasons
    look = infer(ready.stack(), str(batch), InferOptions(dry_run=True), untracked)
    assert (look.images, look.embedded, len(look.unreadable)) == (1, 0, 4)


def test_batch_without_a_readable_image_fails(ready: Project) -> None:
    (ready.folder / "b").mkdir()
    told = ready.run("infer", "--batch", "b", code=5).stderr
    assert "no image files" in told
    (ready.folder / "b" / "x.jpg").touch()
    told = ready.run("infer", "--batch", "b", code=5).stderr
    assert "none of 1 file can be read" in told
    assert "x.jpg: the file is empty" in told


def test_batch_that_is_nowhere_is_a_usage_error(ready: Project) -> None:
    told = ready.run("infer", "--batch", "nowhere", code=2).stderr
    assert "no such folder here, and no such prefix in the store" in told


@pytest.mark.parametrize("batch", ["", " ", "/", "../nowhere", "images//b", "n" * 300])
def test_batch_that_names_no_folder_of_images_is_refused(ready: Project, batch: str) -> None:
    done = subprocess.run(
        ready.command("infer", "--batch", batch), cwd=ready.folder, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert "fix:" in done.stderr


def test_this_folder_as_a_batch_leaves_the_store_out(ready: Project) -> None:
    store = ready.folder / "annoloop-data" / "store"
    write_photos(store / "images" / "kept", ["inside.jpg"])
    write_photos(ready.folder, ["outside.jpg", "x.jpg/in a folder.jpg"])
    (ready.folder / "broken.jpg").symlink_to(ready.folder / "nowhere.jpg")
    (ready.folder / "loop").symlink_to(ready.folder)
    listing = list_batch(str(ready.folder), ArtifactStore(str(store)), ready.stack().catalog)
    names = [Path(source.name).name for source in listing.sources]
    assert names == ["outside.jpg", "in a folder.jpg"]


def test_same_name_with_other_content_overwrites_nothing(ready: Project) -> None:
    write_photos(ready.folder / "one" / "b", ["x.jpg"])
    write_photos(ready.folder / "two" / "b", ["x.jpg"], seed=50)
    run(ready, str(ready.folder / "one" / "b"))
    report = run(ready, str(ready.folder / "two" / "b"))
    assert (report.uploaded, report.tasks_created) == (1, 1)
    stack = ready.stack()
    first, second = (stack.store.get(image.key) for image in stack.catalog.images())
    assert {first, second} == {
        (ready.folder / n / "b" / "x.jpg").read_bytes() for n in ("one", "two")
    }
    assert run(ready, str(ready.folder / "two" / "b")).uploaded == 0


def test_prefix_of_the_store_uses_what_is_there(ready: Project) -> None:
    folder = ready.stack().store.local_path
    assert folder
    write_photos(folder / "images" / "given", ["a.jpg", "sub/b.jpg"])
    for batch in ("given", "images/given", str(folder / "images" / "given")):
        report = run(ready, batch)
        assert (report.images, report.uploaded) == (2, 0)
    keys, _ = counts(ready.stack())
    assert keys == Counter({"images/given/a.jpg": 1, "images/given/sub/b.jpg": 1})
    assert run(ready, "given/sub").images == 1


def test_two_keys_of_one_content_are_two_tasks_embedded_once(ready: Project) -> None:
    batch = ready.folder / "b"
    write_photos(batch, ["a.jpg"])
    shutil.copy(batch / "a.jpg", batch / "b.jpg")
    report = run(ready, str(batch))
    assert (report.images, report.embedded, report.tasks_created) == (2, 1, 2)


def test_rerun_refreshes_predictions_of_older_versions(ready: Project) -> None:
    names = [f"aria_{n}.jpg" for n in range(6)] + [f"not_aria_{n}.jpg" for n in range(6)]
    write_photos(ready.folder / "b", names)
    write_photos(ready.folder / "c", ["aria_new.jpg"], seed=9)
    batch = str(ready.folder / "b")
    first = run(ready, batch)
    stack = ready.stack()
    found = stack.studio.projects.find(stack.config.dataset.name)
    assert found
    for task in stack.studio.tasks.list(found.id):
        answer = "not_aria" if "not_aria" in task.key else "aria"
        stack.studio.annotations.create(found.id, task.id, [answer], 1.0)
    version = train(ready.stack(), True, untracked).model_version
    report = run(ready, batch)
    assert (report.predictions_pushed, report.stale) == (0, 12)
    found = stack.studio.projects.find(found.title)
    assert found
    assert found.model_version == first.model_version
    assert run(ready, str(ready.folder / "c")).predictions_pushed == 1
    report = run(ready, batch, rerun=True)
    assert (report.predictions_pushed, report.stale) == (12, 0)
    assert run(ready, None, rerun=True).predictions_pushed == 0
    assert run(ready, None).images == 13
    keys, versions = counts(ready.stack())
    assert set(keys.values()) == {1}
    assert versions == {first.model_version: 12, version: 13}
    found = stack.studio.projects.find(found.title)
    assert found
    assert found.model_version == version


def test_what_was_done_until_an_interruption_is_not_done_again(
    ready: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{n:02}.jpg" for n in range(40)]
    write_photos(ready.folder / "b", names)
    monkeypatch.setattr(ordered_buffer, "SECONDS_PER_PART", 0.0)
    options = InferOptions(push=False)

    def broken(items: Iterable[T], stage: str, total: int | None = None) -> Iterator[T]:
        """Ctrl-C, when the outcome of so many is known."""
        for n, item in enumerate(items):
            if n == 30:
                raise KeyboardInterrupt
            yield item

    batch = str(ready.folder / "b")
    with pytest.raises(KeyboardInterrupt):
        infer(ready.stack("infer.batch_size=2"), batch, options, broken)
    rest = infer(ready.stack(), batch, options, untracked)
    assert rest.images == 40
    assert 0 < rest.embedded < 40
    assert 0 < rest.uploaded < 40
    assert rest.cached == 40 - rest.embedded
    assert {"read", "decode", "forward", "record", "total"} <= rest.seconds.keys()
    assert rest.bottleneck in rest.seconds


def test_files_that_are_gone_by_the_time_they_are_stored_count_as_unreadable_only(
    ready: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_photos(ready.folder / "b", ["a.jpg", "b.jpg", "c.jpg"])
    add = Embeddings.add

    def lose_files(self: Embeddings, vectors: dict[str, Vector], precision: str) -> None:
        add(self, vectors, precision)
        for name in ("a.jpg", "b.jpg"):
            (ready.folder / "b" / name).unlink()

    monkeypatch.setattr(Embeddings, "add", lose_files)
    report = infer(ready.stack(), str(ready.folder / "b"), InferOptions(push=False), untracked)
    assert (report.images, report.embedded, report.cached) == (1, 1, 0)
    assert len(report.unreadable) == 2


def test_request_whose_sender_died_is_waited_for(ready: Project) -> None:
    """The note of a request says that its tasks may still come."""
    write_photos(ready.folder / "b", ["a.jpg"])
    stack = ready.stack()
    key = f"datasets/{stack.config.dataset.name}/pushing.json"
    stack.store.put(key, b'{"version": "v1-000000", "keys": ["images/b/a.jpg"], "predictions": 1}')
    begun = time.monotonic()
    report = run(ready, str(ready.folder / "b"))
    assert time.monotonic() - begun > 9  # it never came: the wait has an end
    assert report.tasks_created == 1
    assert not stack.store.exists(key)


def test_dry_run_counts_and_writes_nothing(ready: Project) -> None:
    batch = ready.folder / "b"
    write_photos(batch, ["a.jpg", "c.jpg"])
    shutil.copy(batch / "a.jpg", batch / "b.jpg")
    folder = ready.stack().store.local_path
    assert folder
    before = sorted(folder.rglob("*"))
    report = ready.json("infer", "--batch", "b", "--dry-run", code=2)
    assert (report["dry_run"], report["images"]) == (True, 3)
    assert (report["uploaded"], report["embedded"], report["cached"]) == (3, 2, 1)
    assert (report["tasks_created"], report["predictions_pushed"]) == (3, 3)
    assert sorted(folder.rglob("*")) == before
    assert counts(ready.stack())[0] == Counter()
    done = run(ready, str(batch))
    assert (done.uploaded, done.embedded, done.tasks_created) == (3, 2, 3)
    assert ready.json("infer", "--batch", "b", "--dry-run")["predictions_pushed"] == 0


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def read_jsonl(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def read_parquet(file: Path) -> list[dict[str, str]]:
    return parquet.read_table(file).to_pylist()


@pytest.mark.parametrize("read", [read_csv, read_jsonl, read_parquet])
def test_predictions_are_written_with_all_probabilities(
    ready: Project, read: Callable[[Path], list[dict[str, str]]]
) -> None:
    write_photos(ready.folder / "b", ['a, "1".jpg', "ünï.jpg"])
    out = ready.folder / f"out.{read.__name__.removeprefix('read_')}"
    report = infer(
        ready.stack(), str(ready.folder / "b"), InferOptions(push=False, out=out), untracked
    )
    assert (report.predictions_pushed, report.url) == (0, None)
    assert counts(ready.stack())[0] == Counter()
    rows = read(out)
    assert [row["key"] for row in rows] == ['images/b/a, "1".jpg', "images/b/ünï.jpg"]
    for row in rows:
        both = {label: float(row[f"p_{label}"]) for label in LABELS}
        assert abs(sum(both.values()) - 1) < 1e-5
        assert row["label"] == max(both, key=lambda label: both[label])
        assert float(row["score"]) == both[row["label"]]
        assert row["model_version"] == report.model_version
    left = [path.name for path in ready.folder.iterdir() if "part" in path.name]
    assert left == []


def test_predictions_to_a_file_need_no_server(ready: Project) -> None:
    write_photos(ready.folder / "b", ["a.jpg"])
    dead = ["--set", f"label_studio.url=http://127.0.0.1:{free_port()}"]
    ready.run("infer", "--batch", "b", "--no-push", "--out", "o.csv", *dead)
    assert len(read_csv(ready.folder / "o.csv")) == 1


def test_output_on_a_full_disk_asks_for_room(
    ready: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_photos(ready.folder / "b", ["a.jpg"])
    monkeypatch.setattr(
        "annolooop.loop.infer.write.replacing", lambda _: nullcontext(Path("/dev/full"))
    )
    options = InferOptions(push=False, out=ready.folder / "o.csv")
    with pytest.raises(UnreachableError, match=r"o\.csv cannot be written: No space left") as told:
        infer(ready.stack(), str(ready.folder / "b"), options, untracked)
    assert "Make room" in told.value.hint


@pytest.mark.parametrize("out", ["o.xlsx", "nowhere/o.csv", "o"])
def test_output_that_cannot_be_is_refused_before_any_work(ready: Project, out: str) -> None:
    write_photos(ready.folder / "b", ["a.jpg"])
    assert "--out" in ready.run("infer", "--batch", "b", "--out", out, code=2).stderr
    assert list(ready.stack().catalog.images()) == []
