"""What `annoloop start` makes of a folder, of what was typed, and of what a person answers."""

from pathlib import Path

import pytest
import typer
import yaml

from annolooop.commands import start as command
from annolooop.commands.start import start
from annolooop.console.console import Console, Options
from annolooop.errors import RefusedError, UsageError
from annolooop.loop.cycle import start as loop


class Begun(Exception):
    """The stack file is there, and the first command would run now."""


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of images in the folder where commands are typed, and no stack file."""
    folder = tmp_path / "my photos"
    folder.mkdir()
    (folder / "1.jpg").touch()
    monkeypatch.chdir(tmp_path)

    def begun(*_: object) -> None:
        raise Begun

    monkeypatch.setattr(loop, "start", begun)
    return folder


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """A terminal at which a person types these; Enter alone where one is empty."""
    asked: list[str] = []
    waiting = list(answers)

    def prompt(text: str, default: str | None = None, **_: object) -> str:
        asked.append(text)
        return waiting.pop(0) or str(default)

    monkeypatch.setattr(typer, "prompt", prompt)
    monkeypatch.setattr(command.sys.stdin, "isatty", lambda: True, raising=False)
    return asked


def begin(*words: str | None, as_json: bool = False) -> dict[str, object]:
    """Run it up to its first command. Returns the dataset of the stack file."""
    labels, name = (*words, None, None)[:2]
    with pytest.raises(Begun):
        start(Console(Options(json=as_json)), "my photos", labels, name)
    written: dict[str, object] = yaml.safe_load(Path("annoloop.yaml").read_text("utf-8"))
    return dict(written["dataset"])  # type: ignore[call-overload, no-any-return]


def test_labels_that_were_typed_are_written_with_the_folders_name(photos: Path) -> None:
    assert begin("cat,dog") == {"name": "my photos", "labels": ["cat", "dog"]}


def test_sub_folders_name_the_labels(photos: Path) -> None:
    for label in ("hat", "dress"):
        (photos / label).mkdir()
        (photos / label / "1.jpg").touch()
    assert begin()["labels"] == ["dress", "hat"]


def test_labels_are_asked_for_until_they_can_be_used(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = answering(monkeypatch, "", "cat", "cat, dog")
    assert begin() == {"name": "my photos", "labels": ["cat", "dog"]}
    assert len(asked) == 3
    assert "needs two labels at least" in capsys.readouterr().err


@pytest.mark.parametrize("as_json", [False, True])
def test_without_a_person_missing_labels_are_an_error(photos: Path, as_json: bool) -> None:
    with pytest.raises(UsageError) as error:
        start(Console(Options(json=as_json)), "my photos")
    assert error.value.hint == "Name them: annoloop start 'my photos' --labels cat,dog"
    assert not Path("annoloop.yaml").exists()


def test_stack_file_that_is_there_is_kept(photos: Path) -> None:
    begin("cat,dog")
    before = Path("annoloop.yaml").read_bytes()
    begin("cat,dog")
    begin()
    for labels, name in (("cat,bird", None), (None, "other")):
        with pytest.raises(RefusedError, match="is kept"):
            start(Console(Options()), "my photos", labels, name)
    assert Path("annoloop.yaml").read_bytes() == before


def test_command_that_is_shown_can_be_typed(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin("black & white,it's")
    line = capsys.readouterr().err.splitlines()[0]
    assert line.endswith("--labels 'black & white,it'\"'\"'s')")
