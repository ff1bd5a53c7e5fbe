"""From a folder of images to the first tasks: what the folder says, and the whole way, repeated."""

from pathlib import Path

import pytest
from support.annotators import write_patterns
from support.project import Project, Server

from annolooop.errors import DataError, UsageError
from annolooop.loop.cycle.start import propose
from annolooop.loop.rounds.queue import rounds_of


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_labels_are_what_the_sub_folders_with_images_are_called(tmp_path: Path) -> None:
    folder = make(tmp_path / "pets", "dog/1.jpg", "cat/a/2.png", "notes/x.txt", ".git/3.jpg")
    found = propose(str(folder))
    assert (found.name, found.labels) == ("pets", ("cat", "dog"))


@pytest.mark.parametrize("names", [["1.jpg"], ["2024/1.jpg"]])
def test_folder_without_two_sub_folders_proposes_no_labels(
    tmp_path: Path, names: list[str]
) -> None:
    assert propose(str(make(tmp_path / "pets", *names))).labels == ()


@pytest.mark.parametrize(
    ("name", "dataset"), [("my pets!", "my pets"), ("x", "x images"), ("_", "_ images")]
)
def test_name_is_the_folders_as_far_as_it_can_be(tmp_path: Path, name: str, dataset: str) -> None:
    assert propose(str(make(tmp_path / name, "1.jpg"))).name == dataset


def test_folder_that_is_not_there_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    make(tmp_path / "photos", "1.jpg")
    with pytest.raises(UsageError, match="did you mean photos"):
        propose(str(tmp_path / "photoz"))


def test_folder_without_images_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no image files"):
        propose(str(make(tmp_path / "texts", "1.txt")))


def test_start_goes_on_from_where_it_is(project: Project, server: Server) -> None:
    write_patterns(project.folder / "b", [f"{kind}{n}.png" for n in range(4) for kind in "ab"])
    words = ("start", "b", "--query", "5", "--no-browser")
    first = project.json(*words)
    assert first["train"]["registered"]
    assert first["infer"]["query"]["asked"] == first["launch"]["left"] == 5
    again = project.json(*words)
    assert again["infer"]["query"] is None
    assert again["infer"]["embedded"] == again["infer"]["tasks_created"] == 0
    assert again["launch"]["left"] == 5
    stack = project.stack()
    assert list(rounds_of(stack, stack.config.dataset.name).numbers()) == [1]
