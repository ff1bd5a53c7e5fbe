"""`annoloop stack`: several stack files in one folder."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from support.project import ROOT, Project


@pytest.fixture
def folder(tmp_path: Path) -> Project:
    """A folder as `annoloop init` leaves it."""
    project = Project(tmp_path, {})
    project.file.unlink()
    project.run("init")
    return project


def active(project: Project, *words: str, **env: str) -> list[str]:
    rows = project.json("stack", "list", *words, **env)["stacks"]
    return [row["name"] for row in rows if row["active"]]


def test_copy_keeps_the_text_and_use_puts_it_in_force(folder: Project) -> None:
    copied = folder.json("stack", "copy", "night")
    assert copied["dataset"] == "aria_detector"
    copy = folder.folder / "night.annoloop.yaml"
    assert copy.read_bytes() == folder.file.read_bytes()
    assert active(folder) == ["annoloop"]
    assert folder.json("stack", "use", "night")["overruled_by"] is None
    assert active(folder) == ["night"]
    shown = folder.json("stack", "show")
    assert (shown["file"], shown["chosen_by"]) == ("night.annoloop.yaml", ".annoloop-stack")
    assert active(folder, "--stack", "annoloop") == ["annoloop"]
    used = folder.json("stack", "use", "annoloop", ANNOLOOP_STACK="night")
    assert used["overruled_by"] == "$ANNOLOOP_STACK"
    left = {file.name for file in folder.folder.iterdir()}
    assert {name for name in left if name.startswith(".annoloop")} == {".annoloop-stack"}
    assert ".annoloop-stack" in (folder.folder / ".gitignore").read_text().splitlines()


@pytest.mark.slow
def test_copy_overwrites_nothing_and_takes_only_names(folder: Project) -> None:
    folder.run("stack", "copy", "annoloop", "night")
    copy = folder.folder / "night.annoloop.yaml"
    copy.write_text("train: {seed: 1}\n")
    for words in (["night"], ["annoloop"], ["../x"], ["x.yaml"], ["gone", "x"], ["a", "b", "c"]):
        assert "fix:" in folder.run("stack", "copy", *words, code=2).stderr
    assert copy.read_text() == "train: {seed: 1}\n"
    folder.run("stack", "copy", "night", "dusk")
    assert (folder.folder / "dusk.annoloop.yaml").read_text() == copy.read_text()


def test_copy_of_a_file_in_configs_lies_beside_it(tmp_path: Path) -> None:
    project = Project(tmp_path, {})
    (tmp_path / "configs").mkdir()
    project.file.rename(tmp_path / "configs" / "default.yaml")
    assert project.json("stack", "copy", "night")["file"] == "configs/night.yaml"


def test_list_tells_what_is_wrong_with_a_file_in_one_line(folder: Project) -> None:
    (folder.folder / "bad.annoloop.yaml").write_text("dataset: {name: birds}\ntrain: {sed: 1}\n")
    rows = {row["name"]: row for row in folder.json("stack", "list")["stacks"]}
    assert rows["annoloop"]["error"] is None
    assert rows["bad"]["dataset"] == "birds"
    assert rows["bad"]["error"].endswith("train.sed: unknown key; did you mean seed?")
    (folder.folder / ".annoloop-stack").write_text("gone.annoloop.yaml\n")
    text = folder.run("stack", "list").stdout
    assert "bad is invalid: " in text
    assert "none is chosen: .annoloop-stack names 'gone.annoloop.yaml'" in text
    assert "annoloop stack use" in folder.run("status", code=3).stderr


@pytest.mark.parametrize("text", ["[" * 5000, "a: &a [*a]\n", "größe".encode("utf-16-le")])
def test_list_goes_on_where_a_file_never_ends(folder: Project, text: str | bytes) -> None:
    file = folder.folder / "odd.annoloop.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    rows = {row["name"]: row["error"] for row in folder.json("stack", "list")["stacks"]}
    assert rows["annoloop"] is None
    assert "odd.annoloop.yaml" in rows["odd"]


def test_schema_is_what_the_stack_file_points_to(folder: Project) -> None:
    first = folder.file.read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=annoloop.schema.json"
    schema = json.loads((folder.folder / "annoloop.schema.json").read_text())
    assert schema == json.loads(folder.run("stack", "schema").stdout)
    assert schema == folder.json("stack", "schema")
    jsonschema.validate(yaml.safe_load(folder.file.read_text()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"train": {"sed": 1}}, schema)
    root = ROOT
    shipped = root / "configs" / "default.yaml"
    named = shipped.read_text(encoding="utf-8").splitlines()[0].partition("$schema=")[2]
    assert json.loads((shipped.parent / named).read_text(encoding="utf-8")) == schema
