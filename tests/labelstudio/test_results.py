"""Results of any shape: read, or named."""

from typing import Any

import pytest

from annolooop.labelstudio.label_config import Labelling
from annolooop.labelstudio.results import Answer, build_result, read_result

ONE = Labelling(("red", "blue"))
MANY = Labelling(("red", "blue"), "multiple")


def item(value: object, **changed: object) -> dict[str, Any]:
    made = {"from_name": "label", "to_name": "image", "type": "choices", "value": value}
    return {**made, **changed}


def chosen(*labels: object) -> dict[str, Any]:
    return item({"choices": list(labels)})


def test_what_is_written_is_read_back() -> None:
    assert read_result(MANY, build_result(MANY, ["red", "blue"], 0.5)) == Answer(("blue", "red"))
    assert read_result(MANY, build_result(MANY, [])) == Answer()


def test_label_with_blanks_is_written_as_the_project_spells_it() -> None:
    spelled = Labelling(("hat",), spelled={"hat": "hat "})
    (written,) = build_result(spelled, ["hat"])
    assert written["value"] == {"choices": ["hat "]}
    assert read_result(spelled, [written]) == Answer(("hat",))


@pytest.mark.parametrize(
    "result",
    [[], [chosen()], [chosen("")], [item({"text": ["why"]}, from_name="why", type="textarea")]],
)
def test_result_without_a_label_says_nothing(result: list[object]) -> None:
    assert read_result(ONE, result) == Answer()


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (None, "its result is null, not a list"),
        ("red", "its result is 'red', not a list"),
        (["red"], "its result holds 'red', not an object"),
        ([item(None)], "its value is null, not an object"),
        ([item([])], "its value is [], not an object"),
        ([item({})], "its choices are null, not a list"),
        ([item({"choices": 5})], "its choices are 5, not a list"),
        ([item({"choices": "red"})], "its choices are 'red', not a list"),
        ([chosen(["top", "hat"])], "one of its choices is ['top', 'hat'], not a text"),
        ([chosen(None)], "one of its choices is null, not a text"),
        ([chosen({"x": 1})], "one of its choices is {'x': 1}, not a text"),
        ([chosen("a\ud800")], "one of its choices is 'a\\ud800', not valid Unicode"),
        ([chosen("red"), chosen("blue")], "it answers more than once: blue and red"),
        ([chosen("red"), chosen()], "it answers more than once: none and red"),
        ([chosen("red", "blue")], "it has 2 labels, and one is asked for"),
    ],
)
def test_result_of_another_shape_is_named_and_has_no_labels(result: object, why: str) -> None:
    assert read_result(ONE, result) == Answer((), why)


def test_reason_can_be_written_anywhere() -> None:
    for value in ("a\ud800" * 50, ["a\ud800"], {"\ud800": 1}):
        assert read_result(ONE, [item(value)]).unreadable.encode()


def test_the_same_answer_twice_is_one_answer() -> None:
    assert read_result(ONE, [chosen("red"), chosen("red ")]) == Answer(("red",))


def test_several_labels_are_an_answer_with_multiple_choice() -> None:
    assert read_result(MANY, [chosen("red", "blue", "red")]) == Answer(("blue", "red"))
