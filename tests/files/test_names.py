"""Names outside of the store."""

import unicodedata
from pathlib import Path

import pytest

from annolooop.errors import UsageError
from annolooop.files.names import LONGEST, file_names, folder_names, typed_path

ODD = [
    "images/a/1.jpg",
    "images/b/1.jpg",
    "images/a__b.jpg",
    "images/a/b.jpg",
    "images/a_/b.jpg",
    "images/a/_b.jpg",
    "images/C.jpg",
    "images/c.jpg",
    "images/caf\u00e9.jpg",
    unicodedata.normalize("NFD", "images/caf\u00e9.jpg"),
    "images/猫/" + "長" * 80 + ".jpg",
    "images/猫/" + "長" * 81 + ".jpg",
    "images/.hidden.jpg",
    "images/con.jpg",
    'images/a:b*c?"d".jpg',
    "images/line\nbreak.jpg",
    "images/end..jpg",
    "images/no suffix.",
]


def folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def test_file_names_are_unique_and_safe_whatever_the_keys() -> None:
    names = file_names(ODD, "images/")
    assert names["images/a/1.jpg"] == "a__1.jpg"
    assert names["images/b/1.jpg"] == "b__1.jpg"
    assert len({folded(name) for name in names.values()}) == len(ODD)
    for key, name in names.items():
        assert len(name.encode()) <= LONGEST
        assert not set('<>:"/\\|?*\n') & set(name)
        assert not name.startswith(".")
        assert name.endswith(".jpg") == key.endswith(".jpg")


def test_file_name_does_not_depend_on_other_images() -> None:
    together = file_names(ODD, "images/")
    alone = {key: file_names([key], "images/")[key] for key in ODD}
    met = {"images/C.jpg", "images/c.jpg", ODD[8], ODD[9]}
    assert {key for key in ODD if together[key] != alone[key]} == met
    assert file_names(reversed(ODD), "images/") == together


@pytest.mark.parametrize("label", ["a/b", "..", ".", "CON", "com1.x", ".x", "x ", "x.", "a\0b"])
def test_label_that_is_no_folder_gets_a_safe_name(label: str) -> None:
    name = folder_names([label, "a_b"])[label]
    assert name not in (label, "a_b", ".", "..")
    assert not set("/\0") & set(name)
    assert not name.startswith(".")


def test_labels_that_differ_by_case_get_folders_that_do_not() -> None:
    names = folder_names(["Cat", "cat", "dog", "a/b", "a:b"])
    assert len({name.casefold() for name in names.values()}) == 5
    assert names["dog"] == "dog"


def test_home_of_nobody_is_an_error_of_usage() -> None:
    assert typed_path("~/x") == Path.home() / "x"
    assert typed_path("a/~b") == Path("a/~b")
    with pytest.raises(UsageError, match="~nobody-of-this-name/x begins with the home of nobody"):
        typed_path("~nobody-of-this-name/x")
