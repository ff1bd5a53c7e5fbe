"""What a stack file may hold."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from annolooop.config.backbones import NAMES
from annolooop.config.json_schema import descriptions, stack_schema
from annolooop.config.load import load_stack
from annolooop.config.schema import StackConfig
from annolooop.errors import ConfigError


def problem(values: dict[str, Any]) -> str:
    """The message of the one problem that the values have."""
    with pytest.raises(ValidationError) as refused:
        StackConfig.model_validate(values)
    (only,) = refused.value.errors()
    return str(only["msg"])


@pytest.mark.parametrize("target", [0, 1, 95, -0.5])
def test_a_target_is_a_share(target: float) -> None:
    assert "95 % is 0.95" in problem({"dataset": {"target": target}})
    assert StackConfig.model_validate({"dataset": {"target": 0.95}}).dataset.target == 0.95


def test_everything_has_a_default() -> None:
    config = StackConfig.model_validate({})
    assert config.label_studio.port == 8093
    assert config.dataset.labels == ("aria", "not_aria")
    assert not config.store.is_bucket


def test_section_whose_keys_are_commented_out_is_as_if_missing() -> None:
    assert StackConfig.model_validate({"train": None}) == StackConfig()


@pytest.mark.parametrize("url", ["s3://bucket/a/b", "gs://bucket", "az://container/x"])
def test_bucket_is_a_store(url: str) -> None:
    assert StackConfig.model_validate({"store": {"url": f"{url}/"}}).store.url == url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host/x", "ftp:// is not supported"),
        ("s3://", "names no bucket"),
        ("s3://bucket/a?b", "must hold no ?"),
        ("s3://bucket/a//b", "must hold no empty part"),
        ("s3://bucket/../b", "must hold no empty part"),
    ],
)
def test_address_that_cannot_be_a_store_is_refused(url: str, message: str) -> None:
    assert message in problem({"store": {"url": url}})


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"url": "labels.example.org", "api_key": "k"}, "must start with http"),
        ({"url": "https://me:pw@labels.example.org", "api_key": "k"}, "must not hold a login"),
        ({"url": "https://labels.example.org/?x=1", "api_key": "k"}, "without a ?"),
        ({"url": "https://labels.example.org"}, "url needs api_key"),
        ({"api_key": "k"}, "api_key is only used with url"),
        ({"document_root": "/x"}, "document_root is only used with url"),
    ],
)
def test_server_of_others_needs_an_address_and_a_key(section: dict[str, str], message: str) -> None:
    assert message in problem({"label_studio": section})


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "a"], "names the label 'a' twice"),
        (["a", " b"], "has the label ' b', which starts or ends with a space"),
        (["a", "$1"], "has the label '$1', which has $1, which Label Studio takes for a variable"),
        (["a", "b\nc"], "has a line break or a control character"),
        (["a"], "needs two labels at least, and has 1"),
        ("a, b", "is the text 'a, b', and not a list: write [a, b]"),
        (None, "is not a list"),
        ({"a": 1}, "is not a list"),
        ([["a"], "b"], "has a list or keys where a label belongs"),
        ([True, "b"], "YAML reads a label as true; put it into quotes"),
        (["a", 7], "YAML reads a label as the number 7"),
        (["a", None], "YAML reads a label as nothing (null)"),
        (["a", date(2024, 1, 2)], "YAML reads a label as the date 2024-01-02"),
    ],
)
def test_label_that_people_would_not_see_as_it_is_is_named(labels: object, message: str) -> None:
    assert message in problem({"dataset": {"labels": labels}})
    if isinstance(labels, list) and len(labels) > 1:
        assert message in problem({"dataset": {"other_answers": labels}})


def test_label_with_a_dollar_sign_at_its_end_is_fine() -> None:
    dataset = StackConfig.model_validate({"dataset": {"labels": ["US$", "EUR"]}}).dataset
    assert dataset.labels == ("US$", "EUR")


def test_name_of_digits_needs_quotes() -> None:
    assert "YAML reads the name as the number 2024" in problem({"dataset": {"name": 2024}})


def test_answer_is_a_label_or_another_one_and_not_both() -> None:
    section = {"labels": ["a", "b"], "other_answers": ["unsure", "b"]}
    assert "has 'b' both in labels and in other_answers" in problem({"dataset": section})


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"hints": {"dgo": "x"}}, "'dgo', which is not one of the labels.*did you mean dog"),
        ({"hints": ["x"]}, "write it as label: text"),
        ({"hints": {"dog": 5}}, "the text of dog as the number 5"),
        ({"examples": {"cow": "cow.jpg"}}, "'cow', which is not one of the labels"),
        ({"one_key": True, "choice": "multiple"}, "one_key: needs choice: single"),
    ],
)
def test_page_that_cannot_be_is_refused_where_it_is_set(
    tmp_path: Path, dataset: dict[str, object], message: str
) -> None:
    file = tmp_path / "annoloop.yaml"
    written = {"dataset": {"labels": ["cat", "dog"], **dataset}}
    file.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"annoloop\.yaml:\d+: dataset\..*{message}"):
        load_stack(str(file))


def test_hint_of_another_answer_is_fine() -> None:
    made = StackConfig.model_validate(
        {"dataset": {"other_answers": ["unsure"], "hints": {"unsure": "it is too dark"}}}
    )
    assert made.dataset.hints == {"unsure": "it is too dark"}


def test_example_that_is_not_there_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "annoloop.yaml"
    file.write_text("dataset:\n  examples:\n    aria: aria.jpg\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"annoloop\.yaml:3: dataset\.examples\.aria: .*no file"):
        load_stack(str(file))
    load_stack(str(file), shallow=True)
    (tmp_path / "aria.jpg").touch()
    assert load_stack(str(file)).config.dataset.examples == {"aria": "aria.jpg"}


def test_no_error_repeats_a_value() -> None:
    with pytest.raises(ValidationError) as refused:
        StackConfig.model_validate({"s3": {"session_token": ["s3cr3t"]}})
    assert "s3cr3t" not in str(refused.value)


def test_every_key_is_described() -> None:
    for name, field in StackConfig.model_fields.items():
        section: Any = field.annotation
        keys = getattr(section, "model_fields", {})
        for key in keys:
            assert (section.__name__, key) in descriptions(), f"{name}.{key}"


def test_schema_has_the_descriptions_and_no_path_of_this_machine() -> None:
    schema = stack_schema()
    assert schema["$defs"]["TrainConfig"]["properties"]["gate"]["description"]
    assert "default" not in schema["properties"]["cache_dir"]


@pytest.mark.slow
def test_backbones_are_those_of_torchvision() -> None:
    import torchvision
    from torch import nn

    known = torchvision.models.list_models(module=torchvision.models)
    assert set(NAMES) == {name for name in known if not name.startswith("squeezenet")}
    for name in ("resnet18", "vit_b_16", "swin_t", "mnasnet0_5"):
        layers = list(torchvision.models.get_model(name, weights=None).modules())
        assert isinstance(layers[-1], nn.Linear)


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("model.backbone=resnet81", "did you mean resnet18"),
        ("model.weights=DEFUALT", "did you mean DEFAULT"),
        ("model.weights=strater", "did you mean starter"),
    ],
)
def test_model_that_cannot_be_is_refused_where_it_is_set(
    tmp_path: Path, setting: str, meant: str
) -> None:
    file = tmp_path / "annoloop.yaml"
    file.touch()
    with pytest.raises(ConfigError, match=meant):
        load_stack(str(file), [setting], environ={})


@pytest.mark.parametrize(
    "weights", ["IMAGENET1K_SWAG_E2E_V1", "none", "mine.pt", "./mine", "store:weights/mine.pt"]
)
def test_weights_of_every_kind_are_taken(tmp_path: Path, weights: str) -> None:
    file = tmp_path / "annoloop.yaml"
    file.touch()
    loaded = load_stack(str(file), [f"model.weights={weights}"], environ={})
    assert loaded.config.model.weights == weights
