"""The seven commands, typed one after the other, with a Label Studio of their own."""

import csv
import re
import shutil
from pathlib import Path

import httpx
import pytest
from support.project import CACHE, ROOT, Project, on_loopback

from annolooop.stack import Stack

DATA = ROOT / "data"


def annotate_all(stack: Stack, labels: dict[str, str]) -> int:
    """Answer the stream as people do, until it is empty."""
    project = stack.studio.projects.find(stack.config.dataset.name)
    assert project
    done = 0
    while (task := stack.studio.tasks.next(project.id)) is not None:
        key, _ = stack.studio.tasks.look(project.id, task)
        stack.studio.annotations.create(project.id, task, [labels[key.rpartition("/")[2]]], 1.0)
        done += 1
    return done


def read_labels(batch: str) -> dict[str, str]:
    with (DATA / batch / "labels.csv").open(encoding="utf-8") as file:
        return {row["file"]: row["label"] for row in csv.DictReader(file)}


def test_whole_story_with_real_photographs(own_project: Project) -> None:
    project = own_project
    model = {"backbone": "mobilenet_v2", "weights": "starter"}
    project.write({**project.values, "model": model, "cache_dir": str(CACHE)})
    shutil.copytree(DATA, project.folder / "data")
    assert project.typed("status")["running"] is False
    assert "annoloop up" in project.run("train", code=4).stderr

    up = project.typed("up")
    assert up["started"] is True
    assert project.typed("up")["started"] is False
    status = project.typed("status")
    assert (status["running"], status["url"], status["pid"]) == (True, up["url"], up["pid"])
    assert status["version"] == "1.23.2"

    first = project.typed("train")
    assert first["registered"] is True
    assert first["trained"] is False
    assert (first["examples"], first["holdout"]["n"], first["holdout"]["accuracy"]) == (0, 0, None)
    assert re.fullmatch(r"v1-[0-9a-f]{6}", first["model_version"])
    untrained = project.run("train")
    assert "stays" in untrained.stdout
    assert project.run("train", "--rerun", code=5).stderr.count("annotate") >= 1

    report = project.typed("infer", "--batch", "data/batch_1")
    assert (report["images"], report["embedded"], report["cached"]) == (10, 10, 0)
    assert (report["tasks_created"], report["predictions_pushed"]) == (10, 10)
    assert report["unreadable"] == []
    assert report["model_version"] == first["model_version"]

    store = project.folder / "annoloop-data" / "store"
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file()}
    again = project.typed("infer", "--batch", "data/batch_1")
    assert (again["embedded"], again["cached"]) == (0, 10)
    assert (again["tasks_created"], again["predictions_pushed"]) == (0, 0)
    after = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file()}
    assert after == before

    launched = project.run("dataset", "launch", "aria_detector", "--no-browser")
    address = on_loopback(launched.stdout.strip())
    assert address == f"{up['url']}/projects/1/data?labeling=1"
    assert (
        "did you mean aria_detector"
        in project.run("dataset", "launch", "aria_detektor", "--no-browser", code=5).stderr
    )

    labels = read_labels("batch_1")
    assert annotate_all(project.stack(), labels) == 10
    stats = project.typed("dataset", "stats", "aria_detector")
    assert (stats["total"], stats["labeled"], stats["unlabeled"], stats["skipped"]) == (
        10,
        10,
        0,
        0,
    )
    assert stats["labels"] == {"aria": 5, "not_aria": 5}
    made = stats["model_versions"][first["model_version"]]
    assert made["predictions"] == 10
    assert made["accepted"] + made["overridden"] == 10
    assert made["overridden"] > 0

    waiting = project.typed("train")
    assert (waiting["new_labels"], waiting["registered"]) == (10, False)
    second = project.typed("train", "--rerun")
    assert second["model_version"].startswith("v2-")
    assert (second["trained"], second["promoted"], second["examples"]) == (True, True, 10)
    assert second["holdout"]["accuracy"] is None  # two or three images tell nothing
    nothing = project.typed("train", "--rerun")
    assert (nothing["model_version"], nothing["registered"]) == (second["model_version"], False)

    last = project.typed("infer", "--batch", "data/batch_2")
    assert last["model_version"] == second["model_version"]
    assert (last["tasks_created"], last["predictions_pushed"]) == (10, 10)
    stack = project.stack()
    truth = read_labels("batch_2")
    right = 0
    for task in stack.studio.tasks.list(1):
        name = task.key.rpartition("/")[2]
        if name in truth:
            answers = stack.studio.tasks.look(1, task.id)[1][second["model_version"]]
            right += answers == (truth[name],)
    assert right >= 9

    credentials = stack.daemon.credentials() if stack.daemon else None
    assert credentials
    message = "".join(
        project.run(*words).stdout + project.run(*words).stderr
        for words in (["up"], ["status"], ["stack", "show"], ["logs", "-n", "100"], ["stats"])
    )
    assert credentials.token not in message
    assert credentials.password not in message

    assert project.typed("down") == {"stopped": True, "pid": up["pid"]}
    assert project.typed("down")["stopped"] is False
    assert project.typed("status")["running"] is False


def test_demo_runs_the_loop_twice_and_leaves_nothing(
    tmp_path: Path, label_studio_command: str, migrated: Path
) -> None:
    project = Project(tmp_path, {})
    home = tmp_path / "demo"
    # The first start of a server is tested elsewhere; here it would only cost time.
    shutil.copytree(migrated, home / "label-studio")
    (home / ".annoloop-demo").touch()
    cache = tmp_path / "xdg"
    (cache / "annoloop").mkdir(parents=True)
    (cache / "annoloop" / "label-studio").symlink_to(CACHE / "label-studio")
    env = {"XDG_CACHE_HOME": str(cache), "HTTPS_PROXY": ""}
    report = project.typed("demo", "--folder", str(home), **env)
    assert report["accuracy_after"] > report["accuracy_before"]
    assert report["accepted"] + report["overridden"] == 10
    assert "password" not in report
    assert httpx.get(on_loopback(report["url"]), follow_redirects=True).status_code == 200
    again = project.run("demo", "--folder", str(home), **env)
    assert re.search(r"batch_2, after retraining +v2-\w+ +\d+%", again.stdout)
    assert "login annoloop@localhost.local, password " in again.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["annoloop.yaml", "demo", "xdg"]
    cleaned = project.typed("demo", "--clean", "--folder", str(home), **env)
    assert str(home) in cleaned["removed"]
    assert not home.exists()
    assert Path(label_studio_command).exists()  # others use it
    with pytest.raises(httpx.ConnectError):
        httpx.get(on_loopback(report["url"]))


@pytest.mark.slow
def test_demo_never_takes_a_folder_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    project = Project(tmp_path, {})
    for words in (["demo"], ["demo", "--clean"]):
        message = project.run(*words, "--folder", str(tmp_path), code=3).stderr
        assert "was not made by the demo" in message
    assert (tmp_path / "mine.txt").read_text() == "precious"
