"""`annoloop init`: a stack file about the dataset that the options describe."""

from pathlib import Path

import pytest
import yaml

from annolooop.config.load import load_stack
from annolooop.config.schema import DatasetConfig
from annolooop.errors import RefusedError, UsageError
from annolooop.loop.setup.init import STORES, init, shipped


def made(folder: Path, *words: str | None) -> DatasetConfig:
    """The dataset of the stack file that is written."""
    init(folder, "local", *words)
    return load_stack(str(folder / "annoloop.yaml")).config.dataset


@pytest.mark.parametrize(
    "labels",
    [
        "dress,hat,shoes",
        "yes,no",
        "1,2.5,0x1F",
        "2024-01-01,null,~",
        'it\'s,"quoted",back\\slash',
        "a: b,# c,[d],- e",
        "Käfer,猫,🦋",
        "5$,10 $",
    ],
)
def test_labels_stay_the_texts_that_were_typed(tmp_path: Path, labels: str) -> None:
    assert made(tmp_path, "pets", labels).labels == tuple(labels.split(","))


@pytest.mark.parametrize("name", ["my set", "123", "2024-01-01", "null"])
def test_name_stays_the_text_that_was_typed(tmp_path: Path, name: str) -> None:
    assert made(tmp_path, name, "a,b").name == name


def test_spaces_after_commas_are_no_part_of_labels(tmp_path: Path) -> None:
    assert made(tmp_path, None, "cat, dog").labels == ("cat", "dog")


def test_what_is_not_given_is_that_of_the_example(tmp_path: Path) -> None:
    assert made(tmp_path / "a", "pets").labels == ("aria", "not_aria")
    assert made(tmp_path / "b", None, "cat,dog").name == "aria_detector"


@pytest.mark.parametrize("store", STORES)
def test_new_files_show_no_guesses_of_an_untrained_version(tmp_path: Path, store: str) -> None:
    init(tmp_path, store)
    text = (tmp_path / "annoloop.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["infer"]["show_untrained"] is False
    assert "is the default" not in text
    assert "show_untrained" not in shipped(f"configs/{STORES[store]}.yaml").read_text()


@pytest.mark.parametrize("store", STORES)
def test_dataset_is_the_first_section_and_the_others_stay(tmp_path: Path, store: str) -> None:
    init(tmp_path / "as-is", store)
    init(tmp_path, store, "pets", "cat,dog")
    text = (tmp_path / "annoloop.yaml").read_text(encoding="utf-8")
    keys = [line for line in text.splitlines() if line[:1].isalpha()]
    assert keys[0] == "dataset:"
    assert "  name: pets\n" in text
    assert "  labels: [cat, dog]\n" in text
    plain = (tmp_path / "as-is" / "annoloop.yaml").read_text(encoding="utf-8")
    assert len(text.splitlines()) == len(plain.splitlines())
    assert text.endswith("\n")
    assert keys[1] == "store:"
    assert plain.index("\nstore:") < plain.index("\ndataset:")


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("x", None, "--name: string should have at least 3 characters"),
        ("a/b/c", None, "--name: string should match pattern"),
        (None, "cat", "--labels: needs two labels at least, and has 1"),
        (None, "cat,,dog", "--labels: has the label '', which is empty"),
        (None, "cat,cat", "--labels: names the label 'cat' twice"),
        (None, "cat,$dog", "--labels: has the label '$dog', which has $dog"),
    ],
)
def test_wrong_values_are_usage_errors_and_write_nothing(
    tmp_path: Path, name: str | None, labels: str | None, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        init(tmp_path / "new", "local", name, labels)
    assert message in caught.value.message
    assert not (tmp_path / "new").exists()


def test_another_stack_file_is_kept_and_that_is_said(tmp_path: Path) -> None:
    init(tmp_path, "local")
    before = (tmp_path / "annoloop.yaml").read_bytes()
    with pytest.raises(RefusedError) as caught:
        init(tmp_path, "local", "pets", "cat,dog")
    assert "exists, and is kept" in caught.value.message
    assert (tmp_path / "annoloop.yaml").read_bytes() == before


def test_the_same_line_again_keeps_what_it_wrote(tmp_path: Path) -> None:
    init(tmp_path, "local", "pets", "cat,dog")
    assert init(tmp_path, "local", "pets", "cat,dog").written == ()
