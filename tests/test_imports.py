"""Asking for help or state must not pay for what it does not use."""

from support.imports import LEARNING, SLOW, commands, loaded, loaded_by_help
from support.project import Project, write_photos

STATE = (
    ["status"],
    ["sync"],
    ["stats"],
    ["dataset", "list"],
    ["dataset", "stats", "{dataset}"],
    ["model", "list"],
)


def test_every_command_is_checked() -> None:
    assert ["dataset", "launch"] in commands()
    assert len(commands()) > 40


def test_help_loads_nothing_heavy() -> None:
    assert loaded_by_help(commands()) == {}


def test_status_loads_nothing_heavy(own_project: Project) -> None:
    assert loaded(["status"], str(own_project.folder)) <= {"httpx"}


def test_state_is_told_without_what_learns_and_without_the_sdk(project: Project) -> None:
    project.json("train")
    name = str(project.stack().config.dataset.name)
    for words in STATE:
        typed = [word.format(dataset=name) for word in words]
        heavy = {*SLOW, "numpy"} if "stats" in words else {*SLOW}
        assert not heavy & loaded(typed, str(project.folder)), words


def test_infer_of_known_images_loads_nothing_that_learns(project: Project) -> None:
    write_photos(project.folder / "b", ["aria_1.jpg"])
    project.json("train")
    infer = ["infer", "--batch", "b", "--no-push"]
    project.json(*infer)
    assert not {*LEARNING} & loaded(infer, str(project.folder))
