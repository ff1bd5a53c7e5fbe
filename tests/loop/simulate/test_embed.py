"""Embeddings of a folder are computed once, and kept in the cache."""

from pathlib import Path

import pytest
from support.project import Project, write_photos

from annolooop.domain.progress import untracked
from annolooop.loop.simulate.embed import FolderEmbedder
from annolooop.loop.simulate.folder import LabelledFolder, read_folder
from annolooop.stack import Stack


@pytest.fixture
def alone(tmp_path: Path) -> Project:
    write_photos(tmp_path / "photos", ["a/aria_1.png", "a/aria_2.png", "b/not_aria_3.png"])
    model = {"backbone": "mobilenet_v3_small", "weights": "none"}
    return Project(tmp_path, {"model": model, "cache_dir": str(tmp_path / "cache")})


def read(alone: Project) -> LabelledFolder:
    return read_folder(alone.folder / "photos", untracked)


def test_every_file_gets_an_embedding_of_the_backbone(alone: Project) -> None:
    folder = read(alone)
    found = FolderEmbedder(alone.stack()).embed(folder, untracked)
    assert found.vectors.keys() == folder.files.keys()
    assert {len(vector) for vector in found.vectors.values()} == {found.info.dim}
    assert (found.new, found.unreadable) == (3, ())


def test_a_second_run_builds_no_backbone(alone: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = FolderEmbedder(alone.stack()).embed(read(alone), untracked)

    def refuse(stack: Stack) -> None:
        raise AssertionError("the backbone was built")

    monkeypatch.setattr(Stack, "build_pipeline", refuse)
    again = FolderEmbedder(alone.stack()).embed(read(alone), untracked)
    assert (again.new, again.info) == (0, first.info)
    for sha256, vector in first.vectors.items():
        assert (again.vectors[sha256] == vector).all()


def test_only_new_files_are_embedded(alone: Project) -> None:
    FolderEmbedder(alone.stack()).embed(read(alone), untracked)
    write_photos(alone.folder / "photos", ["b/not_aria_4.png"], seed=7)
    assert FolderEmbedder(alone.stack()).embed(read(alone), untracked).new == 1


def test_a_file_that_cannot_be_decoded_is_named_with_its_reason(alone: Project) -> None:
    broken = alone.folder / "photos" / "a" / "broken.jpg"
    broken.write_bytes(b"no picture")
    found = FolderEmbedder(alone.stack()).embed(read(alone), untracked)
    assert [Path(file).name for file, _ in found.unreadable] == ["broken.jpg"]
    assert found.new == 3
