"""Label Studio's XML for choosing one label of an image."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from typing import Any

CONTROL = "label"
OBJECT = "image"


def build_label_config(labels: Sequence[str]) -> str:
    """The label config: the image, and one button for each label with hotkeys 1 to 9."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Image", name=OBJECT, value=f"${OBJECT}")
    choices = ElementTree.SubElement(
        view, "Choices", name=CONTROL, toName=OBJECT, choice="single", showInLine="true"
    )
    for number, label in enumerate(labels, start=1):
        choice = ElementTree.SubElement(choices, "Choice", value=label)
        if number <= 9:
            choice.set("hotkey", str(number))
    return ElementTree.tostring(view, encoding="unicode")


def add_labels(label_config: str, labels: Sequence[str]) -> str:
    """A config of ours with more labels; what people added to it stays."""
    view = ElementTree.fromstring(label_config)
    choices = view.find(f".//Choices[@name='{CONTROL}']")
    assert choices is not None
    for label in labels:
        ElementTree.SubElement(choices, "Choice", value=label)
    return ElementTree.tostring(view, encoding="unicode")


def labels_of(label_config: str) -> list[str] | None:
    """Labels of a config of ours, or ``None`` when it is another kind of config."""
    try:
        view = ElementTree.fromstring(label_config)
    except ElementTree.ParseError:
        return None
    image = view.find(f".//Image[@name='{OBJECT}']")
    choices = view.find(f".//Choices[@name='{CONTROL}']")
    if image is None or choices is None or choices.get("toName") != OBJECT:
        return None
    if image.get("value") != f"${OBJECT}" or choices.get("choice", "single") == "multiple":
        return None
    return [choice.get("value", "") for choice in choices.iter("Choice")]


def build_result(label: str, score: float | None = None) -> list[dict[str, Any]]:
    """The ``result`` of a prediction or annotation that says ``label``."""
    item: dict[str, Any] = {
        "from_name": CONTROL,
        "to_name": OBJECT,
        "type": "choices",
        "value": {"choices": [label]},
    }
    if score is not None:
        item["score"] = score
    return [item]


def label_of(result: Sequence[dict[str, Any]]) -> str | None:
    """The label that a ``result`` says, or ``None`` when it says none."""
    for item in result:
        if item.get("from_name") == CONTROL and item.get("type") == "choices":
            choices = item.get("value", {}).get("choices") or []
            if choices:
                return str(choices[0])
    return None
