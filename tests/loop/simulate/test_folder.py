"""Folders of labelled images: one for each label, or parts with a folder for each label."""

from pathlib import Path

from support.project import write_photos

from annolooop.domain.progress import untracked
from annolooop.loop.simulate.folder import LabelledFolder, read_folder


def read(folder: Path, *names: str) -> LabelledFolder:
    write_photos(folder, [*names])
    return read_folder(folder, untracked)


def of_test(folder: LabelledFolder) -> set[str]:
    return {folder.files[sha256].as_posix().split("/")[-3] for sha256 in folder.tested or ()}


def test_folders_are_labels(tmp_path: Path) -> None:
    folder = read(tmp_path, "cat/a.png", "dog/b.png", "dog/deep/c.png")
    assert (folder.names, folder.tested) == (("cat", "dog"), None)


def test_parts_of_a_split_are_no_labels(tmp_path: Path) -> None:
    names = [f"{part}/{label}/{part}.png" for part in ("train", "test") for label in ("a", "b")]
    folder = read(tmp_path, *names, "validation/a/v.png")
    assert folder.names == ("a", "b")
    assert len(folder.files) == 5
    assert of_test(folder) == {"test"}


def test_validation_part_is_for_testing_where_there_is_no_other(tmp_path: Path) -> None:
    folder = read(tmp_path, "Train/a/1.png", "Train/b/2.png", "val/a/3.png", "val/b/4.png")
    assert of_test(folder) == {"val"}


def test_content_that_is_in_both_parts_is_for_testing(tmp_path: Path) -> None:
    write_photos(tmp_path, ["train/a/1.png", "train/b/2.png"])
    (tmp_path / "test" / "a").mkdir(parents=True)
    (tmp_path / "test" / "a" / "x.png").write_bytes((tmp_path / "train/a/1.png").read_bytes())
    folder = read_folder(tmp_path, untracked)
    assert (len(folder.files), of_test(folder)) == (2, {"test"})


def test_a_training_part_alone_has_no_images_for_testing(tmp_path: Path) -> None:
    folder = read(tmp_path, "train/a/1.png", "train/b/2.png")
    assert (folder.names, folder.tested) == (("a", "b"), None)


def test_labels_that_are_named_like_parts_stay_labels(tmp_path: Path) -> None:
    folder = read(tmp_path, "test/1.png", "train/2.png")
    assert (folder.names, folder.tested) == (("test", "train"), None)
