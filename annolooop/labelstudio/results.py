"""Results of Label Studio, of whatever shape: the one place that reads them, and that writes ours.

Label Studio stores what it is sent: people import results that no page of it would make.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from annolooop.labelstudio.label_config import Labelling


@dataclass(frozen=True)
class Answer:
    """What a result says about an image.

    Attributes:
        labels: sorted; none where it says nothing.
        unreadable: why it cannot be read; it has no labels then.
    """

    labels: tuple[str, ...] = ()
    unreadable: str = ""


SHEET, BLIND_SHEET = "sheet", "blind-sheet"  # ways to answer; the page of one task has no name
_WAY = re.compile(rf"({BLIND_SHEET}|{SHEET})-[0-9a-f]+")


def build_result(
    labelling: Labelling, labels: Sequence[str], score: float | None = None, way: str = ""
) -> list[dict[str, Any]]:
    """The ``result`` of a prediction or annotation with these ``labels``.

    Args:
        labelling: what is asked.
        labels: the answer.
        score: of a prediction.
        way: how a person answered; in the id of the result, which Label Studio keeps.
    """
    if not labels:
        return []
    item: dict[str, Any] = {
        "from_name": labelling.control,
        "to_name": labelling.object,
        "type": "choices",
        "value": {"choices": [labelling.spelled.get(label, label) for label in labels]},
    }
    if score is not None:
        item["score"] = score
    if way:
        item["id"] = f"{way}-{token_hex(5)}"
    return [item]


def read_way(result: object) -> str:
    """How a person gave this answer: empty on the page of one task."""
    items = result if isinstance(result, list) else []
    ids = (str(item.get("id", "")) for item in items if isinstance(item, dict))
    return next((match[1] for name in ids if (match := _WAY.fullmatch(name))), "")


def read_result(labelling: Labelling, result: object) -> Answer:
    """What a ``result`` says; items of other controls, such as a comment, are left alone.

    Only lists of texts are labels. Whatever else is there is named, and nothing is guessed.
    """
    if not isinstance(result, list):
        return Answer(unreadable=f"its result is {_shown(result)}, not a list")
    answers = set()
    for item in result:
        if not isinstance(item, dict):
            return Answer(unreadable=f"its result holds {_shown(item)}, not an object")
        if is_about_labels(labelling, item):
            answer = _read_value(item.get("value"))
            if answer.unreadable:
                return answer
            answers.add(answer.labels)
    if len(answers) > 1:
        together = " and ".join(sorted(" + ".join(labels) or "none" for labels in answers))
        return Answer(unreadable=f"it answers more than once: {together}")
    (labels,) = answers or {()}
    if len(labels) > 1 and labelling.choice == "single":
        return Answer(unreadable=f"it has {len(labels)} labels, and one is asked for")
    return Answer(labels)


def other_items(labelling: Labelling, result: object) -> list[Any]:
    """The parts of a ``result`` that its labels do not tell: a comment, or what cannot be read."""
    items = result if isinstance(result, list) else []
    if read_result(labelling, result).unreadable:
        return items
    return [item for item in items if not is_about_labels(labelling, item)]


def is_about_labels(labelling: Labelling, item: dict[str, Any]) -> bool:
    """Whether an item of a result is the answer to what is asked."""
    return item.get("from_name") == labelling.control and item.get("type") == "choices"


def _read_value(value: object) -> Answer:
    if not isinstance(value, dict):
        return Answer(unreadable=f"its value is {_shown(value)}, not an object")
    choices = value.get("choices")
    if not isinstance(choices, list):
        return Answer(unreadable=f"its choices are {_shown(choices)}, not a list")
    for choice in choices:
        if not isinstance(choice, str):
            return Answer(unreadable=f"one of its choices is {_shown(choice)}, not a text")
        if not _is_text(choice):
            return Answer(unreadable=f"one of its choices is {_shown(choice)}, not valid Unicode")
    return Answer(tuple(sorted({choice.strip() for choice in choices} - {""})))


def _is_text(text: str) -> bool:
    """A lone half of a character that takes two in UTF-16 is none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> str:
    """A value in a line of a message."""
    if value is None:
        return "null"
    text = ascii(value) if isinstance(value, str) and not _is_text(value) else repr(value)
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= 40 else f"{text[:37]}..."
