"""The demo's folder and stack file; the whole demo is a story."""

from pathlib import Path

import pytest
import yaml

from annolooop.domain.progress import untracked
from annolooop.errors import ConfigError, UnreachableError, UsageError
from annolooop.loop.cycle import demo as module
from annolooop.loop.cycle import weights as weights_module
from annolooop.loop.cycle.demo import clean, demo
from annolooop.stack import Stack

NO_HUB = 4711  # a seed that makes the hub unreachable


class Reached(Exception):
    """The demo has its weights, and would train now."""


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ends the demo once it has its weights; keeps which backbones were opened."""
    opened: list[str] = []

    def open_weights(stack: Stack, hub_limit: float | None = None) -> None:
        opened.append(stack.config.model.backbone)
        if stack.config.model.backbone == "resnet18" and stack.config.train.seed == NO_HUB:
            raise UnreachableError("no hub")

    def reached(*_: object) -> None:
        raise Reached

    monkeypatch.setattr(Stack, "build_pipeline", open_weights)
    monkeypatch.setattr(weights_module, "up", lambda *_, **__: None)
    monkeypatch.setattr(module, "_delete_project", reached)
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
    written = begin(tmp_path / "demo", None, f"train.seed={NO_HUB}")
    assert written["model"] == {"backbone": "mobilenet_v2", "weights": "starter"}
    assert weights == ["resnet18", "mobilenet_v2"]


@pytest.mark.parametrize(
    "override",
    [
        "store.url=/precious",
        " store = {url: /precious}",
        "label_studio.url=http://labels.example.org",
        "label_studio.data_dir=/precious",
        "label_studio={data_dir: /precious}",
        "dataset.name=precious",
        "s3.endpoint=http://127.0.0.1:9000",
    ],
)
def test_what_the_demo_deletes_is_not_named_by_others(tmp_path: Path, override: str) -> None:
    with pytest.raises(UsageError, match="of its own"):
        demo(tmp_path / "demo", None, [override], lambda text: None, lambda s: None, untracked)
    assert not (tmp_path / "demo").exists()


def test_settings_that_name_no_place_are_the_users(tmp_path: Path, weights: list[str]) -> None:
    begin(tmp_path / "demo", None, "train.seed=1", "label_studio.timeout=9")


@pytest.mark.parametrize("part", ["store", "label-studio"])
def test_link_in_the_place_of_the_demos_own_is_not_followed(
    tmp_path: Path, weights: list[str], part: str
) -> None:
    begin(tmp_path / "demo")
    (tmp_path / "precious").mkdir()
    (tmp_path / "demo" / part).symlink_to(tmp_path / "precious")
    with pytest.raises(ConfigError, match="is not touched"):
        demo(tmp_path / "demo", None, [], lambda text: None, lambda s: None, untracked)
    with pytest.raises(ConfigError, match="is not touched"):
        clean(tmp_path / "demo")
    assert (tmp_path / "demo" / part).is_symlink()


def test_stack_file_of_a_demo_that_was_changed_cleans_nothing_elsewhere(
    tmp_path: Path, weights: list[str]
) -> None:
    written = begin(tmp_path / "demo")
    written["label_studio"]["data_dir"] = str(tmp_path / "precious")
    (tmp_path / "demo" / "annoloop.yaml").write_text(yaml.safe_dump(written))
    with pytest.raises(ConfigError, match=r"data_dir is .*precious"):
        clean(tmp_path / "demo")
    assert (tmp_path / "demo").exists()
