"""Killed or interrupted at each of its writes, the next run completes, and counts are exact."""

import json
from collections import Counter

from safetensors.numpy import load
from support.dying_process import Joint, run_dying
from support.project import Project, write_photos

from annolooop.stack import Stack

SMALL = ["--set", "label_studio.import_size=1"]
MOST = 40  # writes of one command; more means that a run that dies makes no progress


def finish(project: Project, *words: str) -> list[Joint]:
    """Run a command again and again, each time dying at its next write, until it ends."""
    seen: list[Joint] = []
    while len(seen) < MOST:
        code, message, joint = run_dying(project.folder, list(words), seen)
        if joint is None:
            assert code == 0, message
            return seen
        seen.append(joint)
        assert code == {"interrupt": 130}.get(joint[1], 9), (joint, message)
        assert "Traceback" not in message, (joint, message)
        if joint[1] == "interrupt":
            assert message.splitlines()[-1].startswith("Interrupted"), (joint, message)
        check_store(project.stack())
    raise AssertionError(seen)


def store_has_record(stack: Stack, witness: str) -> bool:
    """Whether what an empty object tells of is there."""
    return stack.store.exists(witness.replace(".written", ".json"))


def check_store(stack: Stack) -> None:
    """No object is half-written, and no two tasks show the same image."""
    for prefix in ("datasets", "models", "backbones", "embeddings"):
        for found in stack.store.walk(prefix):
            data = stack.store.get(found.key)
            if found.key.endswith(".json"):
                json.loads(data)
            elif found.key.endswith(".written"):
                assert store_has_record(stack, found.key)
            elif found.key.endswith(".index"):
                shard = stack.store.get(found.key.replace(".index", ".safetensors"))
                assert len(data) == 32 * len(load(shard)["embedding"])
            else:
                assert load(data)
    project = stack.studio.projects.find(stack.config.dataset.name)
    tasks = (
        Counter(task.key for task in stack.studio.tasks.list(project.id)) if project else Counter()
    )
    assert set(tasks.values()) <= {1}


def annotate(stack: Stack, *names: str) -> None:
    found = stack.studio.projects.find(stack.config.dataset.name)
    assert found
    for task in stack.studio.tasks.list(found.id):
        if task.key.rpartition("/")[2] in names:
            label = "not_aria" if "not_aria" in task.key else "aria"
            stack.studio.annotations.create(found.id, task.id, [label], 1.0)


def test_each_write_of_each_command_may_be_the_last(project: Project) -> None:
    project.write({**project.values, "train": {"holdout": 0}})
    write_photos(project.folder / "b", ["aria.jpg", "not_aria.jpg"])
    stack = project.stack()
    name, studio = stack.config.dataset.name, stack.studio
    joints = finish(project, "train")
    assert ("POST /api/projects", "in flight") in joints
    joints += finish(project, "infer", "--batch", "b", *SMALL)
    annotate(stack, "aria.jpg")
    found = studio.projects.find(name)
    assert found
    (lost,) = (task.id for task in studio.tasks.list(found.id) if task.key.endswith("not_aria.jpg"))
    studio.connection.call("DELETE", f"/api/tasks/{lost}")
    joints += finish(project, "sync")
    annotate(stack, "not_aria.jpg")
    joints += finish(project, "train", "--rerun")
    joints += finish(project, "infer", "--rerun", *SMALL)
    joints += finish(project, "model", "promote", "v1")
    for end in (
        "project.json",
        "lock.json",
        "pushing.json",
        "snapshots/000002.json",
        "versions/000001.json",
        "versions/000002.json",
        "promotions/000003.json",
        "import",
        "import/predictions",
    ):
        assert any(what.endswith(end) for what, _ in joints), (end, joints)
    stack = project.stack()
    first, second = stack.registry.versions()
    assert [p.number for p in stack.registry.promotions()] == [1, 2, 1]
    assert stack.snapshots_of(name).numbers() == [1, 2]
    assert len(stack.snapshots.latest().annotations) == 2
    assert [p.title for p in studio.projects.list()].count(name) == 1
    assert len(list(studio.tasks.list(found.id))) == 2
    assert studio.predictions.count_by_version(found.id) == {first.name: 2, second.name: 2}
    state = list(stack.store.walk(f"locks/{name}"))
    assert len(state) == 1
    assert json.loads(stack.store.get(state[0].key))["released"]
    assert not stack.store.exists(f"datasets/{name}/pushing.json")


def test_server_may_die_during_each_request(own_project: Project) -> None:
    write_photos(own_project.folder / "b", ["a.jpg", "b.jpg", "c.jpg"])
    own_project.run("up")
    for words in (["train"], ["infer", "--batch", "b", *SMALL], ["sync"]):
        if words == ["sync"]:
            annotate(own_project.stack(), "a.jpg", "b.jpg")
        daemon = own_project.stack().daemon
        assert daemon
        process = daemon.process()
        assert process
        code, message, joint = run_dying(own_project.folder, words, [], process.pid)
        assert joint
        assert (code, "error: Label Studio does not answer" in message) == (4, True), message
        own_project.run("up")
        own_project.run(*words)
    stack = own_project.stack()
    (version,) = stack.registry.versions()
    (found,) = stack.studio.projects.list()
    assert sorted(t.key for t in stack.studio.tasks.list(found.id)) == [
        f"images/b/{name}.jpg" for name in "abc"
    ]
    assert stack.studio.predictions.count_by_version(found.id) == {version.name: 3}
    assert stack.snapshots.numbers() == [1]
    assert len(stack.snapshots.latest().annotations) == 2
    check_store(stack)
