"""Annotations: pulled exactly, learnt from when they change, never lost."""

import pytest
from support.annotated_loop import NAMES, Loop, changes
from support.project import Project, Server

from annolooop.domain.progress import untracked
from annolooop.errors import DataError
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.quality.stats import VersionStats, stats
from annolooop.loop.sync.sync import sync
from annolooop.loop.train.train import train


@pytest.fixture
def loop(project: Project, server: Server) -> Loop:
    return Loop(project, server)


def test_skipped_tasks_are_counted_and_not_learnt_from(loop: Loop) -> None:
    loop.skip("aria_0.jpg")
    loop.annotate("aria_1.jpg", "aria")
    report = loop.sync()
    assert (report.labeled, report.skipped) == (1, 1)
    counted = loop.stats()
    assert (counted.labeled, counted.unlabeled, counted.skipped) == (1, 14, 1)
    assert counted.labels == {"aria": 1, "not_aria": 0}
    assert loop.train(rerun=False).examples == 1
    # A task that was skipped first and answered later is labelled.
    loop.annotate("aria_0.jpg", "aria")
    report = loop.sync()
    assert (changes(report), report.labeled, report.skipped) == ((0, 1, 0), 2, 0)


def test_tasks_that_people_uploaded_by_hand_are_no_crash(loop: Loop) -> None:
    body = [{"data": {"image": "https://example.org/x.jpg"}}]
    loop.http.post(f"/api/projects/{loop.id}/import", json=body).raise_for_status()
    (by_hand,) = (task.id for task in loop.studio.tasks.list(loop.id) if not task.key)
    loop.studio.annotations.create(loop.id, by_hand, ["aria"], 1.0)
    report = loop.sync()
    assert (report.labeled, report.tasks_created) == (1, 0)
    assert loop.train(rerun=False).examples == 0
    assert loop.stats().total == 17


def test_training_learns_promotes_and_tells_the_holdout(loop: Loop) -> None:
    loop.annotate_all()
    before = loop.train(rerun=False)
    assert (before.new_labels, before.registered) == (16, False)
    assert loop.project.stack().snapshots.latest().number == 0  # it only looked
    trained = loop.train()
    assert (trained.examples, trained.trained, trained.promoted) == (16, True, True)
    version = loop.project.stack().registry.current()
    assert version
    assert (version.name, version.number, version.trained) == (trained.model_version, 2, True)
    assert version.parent == before.model_version
    assert version.labels == ("aria", "not_aria")
    assert version.snapshot == 1
    assert 0 < trained.holdout.n < 16


def test_nothing_new_writes_nothing(loop: Loop) -> None:
    loop.annotate_all()
    first = loop.train()
    folder = loop.project.stack().store.local_path
    assert folder
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = loop.train()
    assert (again.registered, again.model_version) == (False, first.model_version)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_corrected_label_counts_as_new(loop: Loop) -> None:
    loop.annotate_all()
    first = loop.train()
    loop.correct("aria_0.jpg", "not_aria")
    waiting = loop.train(rerun=False)
    assert (waiting.new_labels, waiting.changed_labels) == (0, 1)
    second = loop.train()
    assert second.registered
    assert second.model_version != first.model_version
    assert second.labels == {"aria": 7, "not_aria": 9}


def test_same_labels_give_the_same_head(loop: Loop) -> None:
    loop.annotate_all()
    first = loop.train()
    loop.correct("aria_0.jpg", "not_aria")
    loop.train()
    loop.correct("aria_0.jpg", "aria")
    third = loop.train()
    assert third.model_version.startswith("v4-")
    assert third.model_version.partition("-")[2] == first.model_version.partition("-")[2]


def test_damaged_weights_are_made_anew(loop: Loop) -> None:
    loop.annotate_all()
    version = loop.train()
    store = loop.project.stack().store
    head = loop.project.stack().registry.current().head  # type: ignore[union-attr]
    for key in (head, f"backbones/{version.backbone.fingerprint}.safetensors"):
        whole = store.get(key)
        store.put(key, whole[:40])
        again = loop.train()
        assert again.trained
        assert store.get(key) == whole
    assert not loop.train().trained


def test_too_few_labels_say_what_to_do(loop: Loop) -> None:
    with pytest.raises(DataError, match="is annotated yet"):
        loop.train()
    for n in range(4):
        loop.annotate(f"aria_{n}.jpg", "aria")
    with pytest.raises(DataError, match="at least two labels") as caught:
        loop.train()
    assert "dataset launch" in caught.value.hint
    promoted = loop.project.stack().registry.current()
    assert promoted
    assert promoted.number == 1


def test_another_backbone_trains_anew_on_the_same_labels(loop: Loop) -> None:
    loop.annotate_all()
    first = loop.train()
    other = loop.project.stack("model.backbone=resnet18")
    report = train(other, True, untracked)
    assert report.model_version != first.model_version
    assert (report.backbone.name, report.new_labels) == ("resnet18", 0)
    assert infer(other, None, InferOptions(rerun=True), untracked).predictions_pushed == 16


def test_labelled_images_that_are_gone_are_named(loop: Loop) -> None:
    loop.annotate_all()
    loop.train()
    other = loop.project.stack("model.backbone=resnet18")
    other.store.delete("images/b/aria_0.jpg")
    report = train(other, True, untracked)
    assert report.unreadable == (
        {"file": "images/b/aria_0.jpg", "reason": "it is no longer in the store"},
    )
    assert report.trained


def test_server_that_was_replaced_does_not_mix_with_the_old_one(loop: Loop) -> None:
    loop.annotate("aria_0.jpg", "aria")
    loop.sync()
    loop.studio.projects.delete(loop.id)
    sync(loop.project.stack(), False, untracked, accept_loss=True)
    again = loop.studio.projects.find(loop.name)
    assert again
    assert again.tasks == 16
    (task,) = (t.id for t in loop.studio.tasks.list(again.id) if t.key.endswith("not_aria_7.jpg"))
    loop.studio.annotations.create(again.id, task, ["not_aria"], 1.0)
    loop.sync()
    (only,) = loop.project.stack().snapshots.latest().annotations
    assert (only.key, only.labels) == ("images/b/not_aria_7.jpg", ("not_aria",))
    first = loop.project.stack().snapshots.read(1).annotations  # what was said is still there
    assert [a.labels for a in first] == [("aria",)]


def test_added_label_keeps_what_people_said(loop: Loop) -> None:
    loop.annotate_all()
    loop.train()
    wider = "dataset.labels=[aria, not_aria, dog]"
    # The version in force goes on: it says nothing that the dataset does not know.
    assert infer(loop.project.stack(wider), None, InferOptions(), untracked).model_version
    report = train(loop.project.stack(wider), True, untracked)
    assert report.labels == {"aria": 8, "not_aria": 8, "dog": 0}
    assert (
        infer(
            loop.project.stack(wider), None, InferOptions(rerun=True), untracked
        ).predictions_pushed
        == 16
    )
    again = loop.train()  # without it: the project goes on offering it
    assert (again.trained, again.labels) == (True, {"aria": 8, "not_aria": 8})
    assert "offers 'dog', which dataset.labels does not have" in again.advice[0]


def test_stats_tell_what_people_did_with_predictions(loop: Loop) -> None:
    predicted = {
        name: next(iter(loop.studio.tasks.look(loop.id, task)[1].values()))[0]
        for name, task in loop.tasks.items()
    }
    other = {"aria": "not_aria", "not_aria": "aria"}
    for name in NAMES[:5]:
        loop.annotate(name, predicted[name])
    for name in NAMES[5:8]:
        loop.annotate(name, other[predicted[name]])
    counted = loop.stats()
    assert counted.model_versions == {counted.model_version: VersionStats(16, 5, 3)}


def test_counts_of_stats_cost_two_requests(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.annotate_all()
    loop.sync()
    asked: list[str] = []
    stack = loop.project.stack()
    server = stack.studio.connection
    call = server.call

    def listen(method: str, path: str, **given: object) -> object:
        asked.append(path)
        return call(method, path, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(server, "call", listen)
    stats(stack, loop.name)
    counts = [path for path in asked if path != "/api/tasks" and not path.endswith("/export")]
    assert counts == [f"/api/projects/{loop.id}", f"/api/projects/{loop.id}/model-versions/"]
    assert len(asked) <= 4


def test_dataset_list_names_datasets_exactly(loop: Loop) -> None:
    rows = {row["name"]: row for row in loop.project.json("dataset", "list")["datasets"]}
    assert rows[loop.name]["tasks"] == 16
    answer = loop.project.run("dataset", "stats", loop.name[:-1], code=5).stderr
    assert f"did you mean {loop.name}?" in answer


def test_versions_are_listed_shown_promoted_and_rolled_back(loop: Loop) -> None:
    loop.annotate_all()
    loop.train()
    project = loop.project
    first, second = (row["name"] for row in project.json("model", "list")["versions"])
    shown = project.json("model", "show", "v2")
    assert (shown["version"]["name"], shown["promoted"]) == (second, True)
    assert shown["version"]["parent"] == first
    assert len(shown["promotions"]) == 1
    assert f"did you mean {first}?" in project.run("model", "show", "v1-0", code=5).stderr
    assert "did you mean" not in project.run("model", "promote", "99", code=5).stderr
    assert "current" in project.run("model", "list").stdout
    assert "untrained" not in project.run("model", "show", second).stdout
    assert project.json("model", "rollback")["model_version"] == first
    assert project.json("model", "promote", first)["changed"] is False
    assert infer(project.stack(), None, InferOptions(), untracked).model_version == first
    assert "the first model version" in project.run("model", "rollback", code=5).stderr
    assert project.json("model", "promote", "2") == {
        "dataset": loop.name,
        "model_version": second,
        "before": first,
        "changed": True,
    }
    assert f"did you mean {second}?" in project.run("model", "show", "v2-ffffff", code=5).stderr
    assert len(project.stack().registry.promotions()) == 4
    fewer = ["--set", "dataset.labels=[not_aria, other]"]  # which the version in force is not for
    assert project.json("model", "promote", "1", *fewer)["changed"]


def test_project_that_was_renamed_is_still_the_datasets(loop: Loop) -> None:
    loop.annotate("aria_0.jpg", "aria")
    loop.sync()
    url = f"/api/projects/{loop.id}"
    loop.http.patch(url, json={"title": "renamed by hand"}).raise_for_status()
    assert changes(loop.sync()) == (0, 0, 0)
    loop.train(rerun=False)
    assert loop.stats().total == 16
    assert loop.studio.projects.find(loop.name) is None
    rows = {row["name"]: row for row in loop.project.json("dataset", "list")["datasets"]}
    assert rows[loop.name]["tasks"] == 16
    assert "renamed by hand" not in rows


def test_label_that_the_dataset_lacks_is_left_out_and_named(loop: Loop) -> None:
    loop.annotate_all()
    loop.correct("aria_3.jpg", "zebra")
    report = loop.train()
    assert report.trained
    assert report.unreadable == (
        {"file": "images/b/aria_3.jpg", "reason": "its label 'zebra' is not in dataset.labels"},
    )
    assert report.labels == {"aria": 7, "not_aria": 8}
    assert (report.examples, report.learnt + report.holdout.n) == (15, 15)


def test_embedding_is_never_kept_under_another_content(loop: Loop) -> None:
    loop.annotate_all()
    loop.train()
    other = loop.project.stack("model.backbone=resnet18")
    other.store.put("images/b/aria_0.jpg", other.store.get("images/b/not_aria_0.jpg"))
    report = train(other, True, untracked)
    (left_out,) = report.unreadable
    assert left_out["file"] == "images/b/aria_0.jpg"
    assert "another picture lies under its key" in left_out["reason"]


def test_copies_of_annotations_are_written_to_the_store_while_that_is_wanted(loop: Loop) -> None:
    def copies() -> int:
        return len(list(loop.project.stack().store.walk(f"annotations/{loop.name}")))

    loop.annotate("aria_0.jpg", "aria")
    wanted = loop.project.stack("store.export_annotations=true")
    sync(wanted, False, untracked)
    assert copies() == 1  # also what was there before
    loop.annotate("aria_1.jpg", "not_aria")
    assert copies() == 2
    sync(loop.project.stack(), False, untracked)
    loop.annotate("aria_2.jpg", "aria")
    assert copies() == 2
