"""Which stack file is in force, and what stack files are called."""

from pathlib import Path

import pytest

from annolooop.config.choose import MARKER, choose_stack, list_stacks
from annolooop.errors import ConfigError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()


def chosen(explicit: str | None = None, **environ: str) -> tuple[str, str]:
    choice = choose_stack(explicit, environ)
    return choice.file.as_posix(), choice.by


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_stack_is_chosen_by_flag_then_variable_then_marker_then_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        chosen()
    assert "annoloop init" in caught.value.hint
    touch(tmp_path, "configs/default.yaml")
    assert chosen() == ("configs/default.yaml", "its name")
    touch(tmp_path, "annoloop.yaml")
    assert chosen() == ("annoloop.yaml", "its name")
    touch(tmp_path, "night.annoloop.yaml", "other.yaml", "mine.yaml")
    (tmp_path / MARKER).write_text("night.annoloop.yaml\n")
    assert chosen() == ("night.annoloop.yaml", MARKER)
    assert chosen(ANNOLOOP_STACK="other.yaml") == ("other.yaml", "$ANNOLOOP_STACK")
    assert chosen("mine.yaml", ANNOLOOP_STACK="other.yaml") == ("mine.yaml", "--stack")
    with pytest.raises(ConfigError, match=r"--stack names gone\.yaml"):
        chosen("gone.yaml")


def test_flag_and_variable_take_names(tmp_path: Path) -> None:
    touch(tmp_path, "night.annoloop.yaml", "configs/day.yaml")
    assert chosen("night") == ("night.annoloop.yaml", "--stack")
    assert chosen(ANNOLOOP_STACK="day") == ("configs/day.yaml", "$ANNOLOOP_STACK")
    with pytest.raises(ConfigError, match="did you mean night"):
        chosen("nigt")


def test_stacks_are_named_by_their_files(tmp_path: Path) -> None:
    touch(tmp_path, "annoloop.yaml", "night.annoloop.yaml", ".annoloop.yaml", "other.yaml")
    touch(tmp_path, "configs/default.yaml", "configs/night.yaml")
    assert {stack.name: stack.file.as_posix() for stack in list_stacks(Path())} == {
        "annoloop": "annoloop.yaml",
        "night": "night.annoloop.yaml",
        "default": "configs/default.yaml",
        "configs/night.yaml": "configs/night.yaml",
    }


@pytest.mark.parametrize("content", [b"gone.annoloop.yaml\n", b"", b"\xff\xfe", b"a\0b", b"."])
def test_marker_that_names_no_file_is_an_error_with_the_fix(tmp_path: Path, content: bytes) -> None:
    touch(tmp_path, "annoloop.yaml")
    (tmp_path / MARKER).write_bytes(content)
    with pytest.raises(ConfigError, match=MARKER) as caught:
        chosen()
    assert "annoloop stack use" in caught.value.hint


def test_where_only_named_stacks_are_one_has_to_be_chosen(tmp_path: Path) -> None:
    touch(tmp_path, "night.annoloop.yaml")
    with pytest.raises(ConfigError) as caught:
        chosen()
    assert "annoloop stack use night" in caught.value.hint
