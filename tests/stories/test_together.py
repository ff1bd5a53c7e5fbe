"""Several commands at the same moment: each waits where it must, and nothing is done twice."""

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterable

from support.project import Project, write_photos

from annolooop.domain.progress import untracked
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.train.train import train


def start(project: Project, *words: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = project.command(*words)
    return subprocess.Popen(command, cwd=project.folder, stdout=pipe, stderr=pipe, text=True)


def ends(processes: Iterable[subprocess.Popen[str]]) -> None:
    for process in processes:
        message = process.communicate(timeout=250)[1]
        assert process.returncode == 0, message


def test_commands_wait_for_who_writes_to_the_dataset(project: Project) -> None:
    train(project.stack(), False, untracked)
    names = [f"{n}.jpg" for n in range(6)]
    write_photos(project.folder / "b", names)
    stack = project.stack("label_studio.import_size=1")
    command = ["infer", "--batch", "b", "--set", "label_studio.import_size=1"]
    answers = f"waiting for `dataset delete` by {stack.person} since "
    with stack.lock("dataset delete"), stack.lock("nested") as lock:
        both = [start(project, *command) for _ in range(2)]
        tired = start(project, *command)
        for process in (*both, tired):
            assert process.stderr
            lines = iter(process.stderr.readline, "")
            assert any(line.startswith(answers) for line in lines)
        tired.send_signal(signal.SIGINT)
        assert tired.communicate(timeout=60)[1].splitlines()[-1].startswith("Interrupted")
        assert tired.returncode == 130
        message = project.run(*command, "--set", "store.lock_timeout=0", code=4).stderr
        assert "is in use: `dataset delete` by" in message
        assert f"kill {os.getpid()}" in message
        # Whoever only reads, trains or embeds is not held up.
        project.run("train", "--set", "store.lock_timeout=0")
        dry = InferOptions(dry_run=True)
        assert infer(project.stack(), str(project.folder / "b"), dry, untracked).embedded == 0
        with lock.guard():
            pass
    ends(both)
    found = stack.studio.projects.find(stack.config.dataset.name)
    assert found
    assert Counter(t.key for t in stack.studio.tasks.list(found.id)) == Counter(
        f"images/b/{name}" for name in names
    )
    assert list(stack.studio.predictions.count_by_version(found.id).values()) == [6]


def test_two_first_trainings_at_once_make_one_project_and_one_version(project: Project) -> None:
    ends([start(project, "train") for _ in range(2)])
    stack = project.stack()
    titles = [found.title for found in stack.studio.projects.list()]
    assert titles.count(stack.config.dataset.name) == 1
    assert len(stack.registry.versions()) == len(stack.registry.promotions()) == 1


def test_two_trainings_at_once_give_two_versions_and_one_snapshot(project: Project) -> None:
    project.write({**project.values, "train": {"holdout": 0}})
    train(project.stack(), False, untracked)
    names = [f"{label}_{n}.jpg" for label in ("aria", "not_aria") for n in range(3)]
    write_photos(project.folder / "b", names)
    infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
    stack = project.stack()
    found = stack.studio.projects.find(stack.config.dataset.name)
    assert found
    for task in stack.studio.tasks.list(found.id):
        label = "not_aria" if "not_aria" in task.key else "aria"
        stack.studio.annotations.create(found.id, task.id, [label], 1.0)
    ends([start(project, "train", "--rerun", "--set", f"train.seed={n}") for n in (1, 2)])
    stack = project.stack()
    first, *made = stack.registry.versions()
    assert [(v.number, v.trained, v.snapshot) for v in made] == [(2, True, 1), (3, True, 1)]
    assert {v.config["seed"] for v in made} == {1, 2}
    assert all(stack.registry.head(version) for version in made)
    assert sorted(p.number for p in stack.registry.promotions()) == [1, 2, 3]
    assert stack.registry.current() in made
    assert stack.snapshots.latest().number == 1
    assert not first.trained


def test_version_that_people_see_is_not_set_back_by_who_began_earlier(project: Project) -> None:
    train(project.stack(), False, untracked)
    write_photos(project.folder / "b", ["aria.jpg", "not_aria.jpg"])
    write_photos(project.folder / "c", ["new.jpg"])
    stack = project.stack()
    old = stack.registry.current()
    found = stack.studio.projects.find(stack.config.dataset.name)
    assert old
    assert found
    with stack.lock("push"):
        late = start(project, "infer", "--batch", "b")
        assert late.stderr
        assert any(line.startswith("waiting") for line in iter(late.stderr.readline, ""))
        # While it waits with what the old version says, a newer one is put in force and shown.
        newer = stack.registry.register(old, stack.registry.head(old))
        stack.registry.promote(newer, "now", "me")
        infer(stack, str(project.folder / "c"), InferOptions(), untracked)
    ends([late])
    shown = stack.studio.projects.get(found.id)
    assert shown
    assert shown.model_version == newer.name
    assert stack.studio.predictions.count_by_version(found.id) == {old.name: 2, newer.name: 1}
