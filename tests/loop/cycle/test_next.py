"""A round in one command."""

from support.annotators import write_patterns
from support.project import Project, Server

from annolooop.loop.rounds.queue import rounds_of

NAMES = [f"{kind}{n}.png" for n in range(8) for kind in ("aria", "not_aria")]


def answer(project: Project, only: str = "", count: int = 99) -> None:
    """Answer tasks of the last round by the names of their images."""
    stack = project.stack()
    name = stack.config.dataset.name
    found, asked = stack.studio.projects.find(name), rounds_of(stack, name).latest()
    assert found
    assert asked
    keys = {task.id: task.key for task in stack.studio.tasks.list(found.id)}
    for task in asked.query[:count]:
        label = only or ("not_aria" if "not_aria" in keys[task] else "aria")
        stack.studio.annotations.create(found.id, task, [label], 1.0)


def test_nothing_is_learnt_before_something_is_labelled(project: Project, server: Server) -> None:
    out, err = project.printed("next", "--no-browser", code=5)
    assert "has no model version yet" in err
    assert "annoloop start FOLDER" in err
    write_patterns(project.folder / "b", NAMES)
    project.json("start", "b", "--query", "6", "--no-browser")
    out, err = project.printed("next", "--no-browser", code=5)
    assert out == ""
    assert "left to do: annoloop train --rerun, then: annoloop infer --rerun --query 6" in err
    assert "is annotated yet" in err


def test_round_is_learnt_from_and_the_next_one_is_asked_once(
    project: Project, server: Server
) -> None:
    write_patterns(project.folder / "b", NAMES)
    project.json("start", "b", "--query", "8", "--no-browser")
    answer(project)
    out, err = project.printed("next", "--no-browser")
    learnt, quality, asked = out.splitlines()
    assert learnt.startswith("learnt: v2-")
    assert "from 8 labels (8 new)" in learnt
    assert quality.startswith("quality: ")
    assert asked.startswith("to label: 8 images of round 2: http")
    assert "next: annoloop next" in err
    again = project.json("next", "--no-browser")
    assert again["infer"] is None
    assert again["launch"]["round"] == 2
    assert project.json("next", "3", "--no-browser")["infer"]["query"]["asked"] == 3


def test_round_that_was_interrupted_after_learning_is_completed(
    project: Project, server: Server
) -> None:
    write_patterns(project.folder / "b", NAMES)
    project.json("start", "b", "--query", "8", "--no-browser")
    answer(project, count=6)
    learnt = project.json("train", "--rerun")["model_version"]
    report = project.json("next", "--no-browser")
    assert not report["train"]["trained"]
    assert report["infer"]["model_version"] == learnt
    assert report["infer"]["predictions_pushed"] == len(NAMES)
    assert report["launch"]["left"] == 8


def test_labels_of_one_kind_only_ask_for_more(project: Project, server: Server) -> None:
    write_patterns(project.folder / "b", NAMES)
    project.json("start", "b", "--query", "6", "--no-browser")
    answer(project, only="aria")
    report = project.json("next", "--no-browser")
    assert report["train"] is None
    assert "at least two labels" in report["too_few"]
    assert report["launch"]["round"] == 2
