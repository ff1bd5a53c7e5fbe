"""The demo's folder and stack file; the whole demo is a story."""

from pathlib import Path

import pytest
import yaml

from annolooop.domain.progress import untracked
from annolooop.errors import ConfigError, UnreachableError
from annolooop.loop.cycle import demo as module
from annolooop.loop.cycle.demo import clean, demo
from annolooop.stack import Stack


class Reached(Exception):
    """The demo has its weights, and would start Label Studio now."""


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ends the demo where it would start Label Studio; keeps which backbones were opened."""
    opened: list[str] = []

    def open_weights(stack: Stack, hub_limit: float | None = None) -> None:
        opened.append(stack.config.model.backbone)
        if stack.config.model.backbone == "resnet18" and "no hub" in stack.config.dataset.name:
            raise UnreachableError("no hub")

    def reached(*_: object) -> None:
        raise Reached

    monkeypatch.setattr(Stack, "build_pipeline", open_weights)
    monkeypatch.setattr(module, "up", reached)
    return opened


def begin(folder: Path, port: int | None = None, *overrides: str) -> dict[str, dict[str, object]]:
    """Run it up to the start of Label Studio. Returns the stack file that it wrote."""
    with pytest.raises(Reached):
        demo(folder, port, overrides, lambda text: None, lambda stats: None, untracked)
    written: dict[str, dict[str, object]] = yaml.safe_load(
        (folder / "annoloop.yaml").read_text("utf-8")
    )
    return written


def test_folder_that_holds_something_else_is_never_taken(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(ConfigError, match="is not empty, and was not made by the demo"):
        demo(tmp_path, None, [], lambda text: None, lambda stats: None, untracked)
    with pytest.raises(ConfigError, match="is not empty, and was not made by the demo"):
        clean(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_folder_that_is_not_there_needs_no_cleaning(tmp_path: Path) -> None:
    assert clean(tmp_path / "none").removed == ()


def test_folder_of_a_demo_that_never_came_far_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / ".annoloop-demo").touch()
    assert clean(folder).removed == (str(folder),)
    assert not folder.exists()


def test_second_demo_keeps_the_port_of_the_first(tmp_path: Path, weights: list[str]) -> None:
    first = begin(tmp_path / "demo", 8123)
    assert begin(tmp_path / "demo") == first
    assert first["label_studio"]["port"] == 8123


def test_pretrained_weights_of_the_hub_are_used_where_it_answers(
    tmp_path: Path, weights: list[str]
) -> None:
    assert begin(tmp_path / "demo")["model"]["backbone"] == "resnet18"
    assert weights == ["resnet18"]


def test_starter_weights_are_used_where_no_hub_answers(tmp_path: Path, weights: list[str]) -> None:
    written = begin(tmp_path / "demo", None, "dataset.name=no hub")
    assert written["model"] == {"backbone": "mobilenet_v2", "weights": "starter"}
    assert weights == ["resnet18", "mobilenet_v2"]
