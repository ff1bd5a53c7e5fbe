"""Predictions of an untrained version, which `infer.show_untrained: false` keeps from people."""

import pytest
from support.project import Project, write_photos

from annolooop.loop.labels.project import find_project
from annolooop.loop.push.blind import blind_series

NAMES = [f"{kind}{n}.jpg" for n in range(6) for kind in ("aria", "not_aria")]
HIDDEN = ("--set", "infer.show_untrained=false")


@pytest.mark.story
def test_guesses_are_hidden_until_the_first_trained_version(project: Project) -> None:
    write_photos(project.folder / "b", NAMES)
    stack = project.stack()
    studio = stack.studio
    project.json("train")
    first = project.json("infer", "b", *HIDDEN)
    assert (first["tasks_created"], first["predictions_pushed"]) == (len(NAMES), 0)
    assert first["hidden"]
    number = find_project(stack, stack.config.dataset.name).id
    assert studio.predictions.count_by_version(number) == {}
    for again in (["infer"], ["infer", "--rerun"], ["infer", "--dry-run"], ["sync"]):
        assert project.json(*again, *HIDDEN)["predictions_pushed"] == 0

    for task in studio.tasks.list(number):
        label = "not_aria" if "/not_" in task.key else "aria"
        studio.annotations.create(number, task.id, [label], 1.0)
    assert project.json("train", "--rerun", *HIDDEN)["trained"]
    after = project.json("sync", *HIDDEN)
    assert after["predictions_pushed"] == len(NAMES)
    assert not project.json("infer", "--rerun", *HIDDEN)["hidden"]


def test_guesses_that_nobody_sees_do_not_count_as_those_of_blind_images(project: Project) -> None:
    write_photos(project.folder / "b", NAMES)
    blind = ("--set", "infer.blind_share=0.9")
    project.json("train")
    project.json("infer", "b", *HIDDEN, *blind)
    stack = project.stack()
    series = blind_series(stack, stack.config.dataset.name)
    assert list(series.each()) == []
    project.json("infer", *blind)
    assert list(series.each())


def test_guesses_are_shown_unless_the_stack_file_says_otherwise(project: Project) -> None:
    write_photos(project.folder / "b", NAMES[:2])
    project.json("train")
    project.json("infer", "b", *HIDDEN)
    shown = project.json("infer")
    assert (shown["predictions_pushed"], shown["hidden"]) == (2, False)
