"""Label Studio's XML for choosing labels of an image, and results in its terms."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Labelling:
    """What a label config asks of people: the choices of one control, about one image.

    Attributes:
        labels: the choices, in their order.
        choice: ``single`` or ``multiple``.
        control: name of the Choices tag.
        object: name of the Image tag that it is about.
        data: key of a task's data that holds the image's address.
    """

    labels: tuple[str, ...]
    choice: str = "single"
    control: str = "label"
    object: str = "image"
    data: str = "image"


class Unfit(Exception):
    """A label config asks for something else; the text names it."""


def build_label_config(labels: Sequence[str], choice: str = "single") -> str:
    """The label config: the image, and one button for each label with hotkeys 1 to 9."""
    own = Labelling(())
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Image", name=own.object, value=f"${own.data}")
    choices = ElementTree.SubElement(
        view, "Choices", name=own.control, toName=own.object, choice=choice, showInLine="true"
    )
    for number, label in enumerate(labels, start=1):
        item = ElementTree.SubElement(choices, "Choice", value=label)
        if number <= 9:
            item.set("hotkey", str(number))
    return ElementTree.tostring(view, encoding="unicode")


def extend_label_config(label_config: str, labels: Sequence[str], choice: str) -> str:
    """A config with more labels, or with multiple choice; all else that is in it stays."""
    view = ElementTree.fromstring(label_config)
    control = _control(view)
    known = _labels(control)
    for label in labels:
        if label not in known:
            ElementTree.SubElement(control, "Choice", value=label)
    if choice == "multiple":
        control.set("choice", choice)
    return ElementTree.tostring(view, encoding="unicode")


def parse_label_config(label_config: str) -> Labelling:
    """Read a label config, ours or one that people wrote.

    What else it asks for, such as a comment, is left to people.

    Raises:
        Unfit: it has no set of choices about an image, or more than one and none called `label`.
    """
    try:
        view = ElementTree.fromstring(label_config)
    except ElementTree.ParseError:
        raise Unfit("it is not XML") from None
    control = _control(view)
    about = control.get("toName", "")
    image = next((tag for tag in view.iter("Image") if tag.get("name") == about), None)
    if image is None:
        raise Unfit("its choices are not about an image")
    value = image.get("value", "")
    if not value.startswith("$") or control.get("value"):
        raise Unfit("its image or its choices are not a plain name of the task's data")
    if control.get("perRegion", "false").lower() == "true":
        raise Unfit("its choices are about regions of the image")
    return Labelling(
        _labels(control),
        "multiple" if control.get("choice") == "multiple" else "single",
        control.get("name", ""),
        about,
        value.removeprefix("$"),
    )


def _labels(control: ElementTree.Element) -> tuple[str, ...]:
    """The choices as annotations name them."""
    return tuple(item.get("alias") or item.get("value") or "" for item in control.iter("Choice"))


def _control(view: ElementTree.Element) -> ElementTree.Element:
    controls = list(view.iter("Choices"))
    own = [tag for tag in controls if tag.get("name") == Labelling(()).control]
    if len(controls) != 1 and len(own) != 1:
        raise Unfit(f"it has {len(controls)} sets of choices, and one is needed")
    return (own or controls)[0]


def build_result(
    labelling: Labelling, labels: Sequence[str], score: float | None = None
) -> list[dict[str, Any]]:
    """The ``result`` of a prediction or annotation with these ``labels``."""
    if not labels:
        return []
    item: dict[str, Any] = {
        "from_name": labelling.control,
        "to_name": labelling.object,
        "type": "choices",
        "value": {"choices": list(labels)},
    }
    if score is not None:
        item["score"] = score
    return [item]


def other_items(labelling: Labelling, result: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts of a ``result`` that are not about the labels, such as a comment."""
    return [item for item in result if item.get("from_name") != labelling.control]


def labels_of(labelling: Labelling, result: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """The labels of a ``result``, sorted; none where it has none."""
    for item in result:
        if item.get("from_name") == labelling.control and item.get("type") == "choices":
            return tuple(sorted(map(str, item.get("value", {}).get("choices") or [])))
    return ()
