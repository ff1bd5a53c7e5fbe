"""Label Studio's XML for choosing labels of an image: written, read, and changed with care."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from annolooop.domain.labels import why_no_label
from annolooop.labelstudio.label_page import HEIGHT, ONE_KEY, PLAIN, ROOT, STYLE, LabelPage

# Keys that Label Studio's page gives to choices by itself: it uses none of them otherwise.
KEYS = "1234567890qwetasdfgzxcvbyiopjklnm"
# An attribute: a digest of the config, by which it is seen that people changed it.
SEAL = "annoloop"
REQUIRED = {"required": "true", "requiredMessage": "Choose a label, or skip"}


@dataclass(frozen=True)
class Labelling:
    """What a label config asks of people: the choices of one control, about one image.

    Attributes:
        labels: the choices, in their order.
        choice: ``single`` or ``multiple``.
        control: name of the Choices tag.
        object: name of the Image tag that it is about.
        data: key of a task's data that holds the image's address.
        required: the page refuses an answer without a label.
        own: nobody has changed it since annoloop wrote it.
        spelled: label -> how the config has it, of those with blanks around them.
    """

    labels: tuple[str, ...]
    choice: str = "single"
    control: str = "label"
    object: str = "image"
    data: str = "image"
    required: bool = False
    own: bool = False
    spelled: Mapping[str, str] = field(default_factory=dict)


class Unfit(Exception):
    """A label config asks for something else; the text names it."""


def build_label_config(
    labels: Sequence[str], choice: str = "single", page: LabelPage = PLAIN
) -> str:
    """The label config: the image, and beside it a button with a key for each label.

    With single choice, people cannot submit nothing.
    """
    keys = hotkeys(labels)
    return _build([(label, keys.get(label, ""), "") for label in labels], choice, page)


def change_label_config(
    label_config: str,
    labels: Sequence[str],
    choice: str,
    without: Iterable[str] = (),
    page: LabelPage = PLAIN,
) -> str:
    """A config with more labels, or with multiple choice; what people changed in it stays.

    One that nobody has changed is made what annoloop writes now, with the keys that it has.

    Args:
        label_config: as it is.
        labels: that it is to have.
        choice: ``single`` or ``multiple``.
        without: labels to take out of it.
        page: how it looks; in a config that people changed, what is missing of it is added.
    """
    view = ElementTree.fromstring(label_config)
    control = _control(view)
    gone = set(without)
    for parent in list(control.iter()):
        for item in [item for item in parent if _is(item, "Choice") and _label(item) in gone]:
            parent.remove(item)
    known = _labels(control)
    taken = [_get(item, "hotkey") for item in _tags(control, "Choice")]
    missing = [label for label in labels if label not in known]
    keys = hotkeys(missing, taken, known) if any(taken) or not known else {}
    if _is_own(ElementTree.fromstring(label_config)):
        choices = [
            (_label(item), _get(item, "hotkey"), _get(item, "html"))
            for item in _tags(control, "Choice")
        ]
        choices += [(label, keys.get(label, ""), "") for label in missing]
        return _build(choices, choice, page)
    for label in missing:
        _add(control, label, keys.get(label, ""))
    for item in _tags(control, "Choice"):
        html = page.beside(_label(item), _get(item, "html"))
        if html and not any(_get(item, name) for name in ("html", "hint", "alias")):
            item.set("html", html)
    if choice == "multiple" and _get(control, "choice") != choice:
        control.set("choice", choice)
        for name in REQUIRED:  # from now on, no label is an answer
            control.attrib.pop(name, None)
    classes = _get(view, "className").split()
    if ROOT in classes:
        others = [name for name in classes if name not in (ROOT, ONE_KEY)]
        view.set("className", " ".join([*page.classes.split(), *others]))
    return ElementTree.tostring(view, encoding="unicode")


def same_label_config(one: str, other: str) -> bool:
    """Whether two configs say the same, however they are written."""
    return _canonical(ElementTree.fromstring(one)) == _canonical(ElementTree.fromstring(other))


def hotkeys(
    labels: Sequence[str], taken: Iterable[str] = (), known: Iterable[str] = ()
) -> dict[str, str]:
    """Label -> its key. One that is a single character is its own key; others have digits first.

    No label gets a key that is the name of another one.

    Args:
        labels: that need keys.
        taken: keys of other labels.
        known: these labels.
    """
    used = {key.lower() for key in taken}
    keys: dict[str, str] = {}
    for label in labels:
        key = label.lower()
        if key in _one_key(labels) and key not in used:
            keys[label] = key
            used.add(key)
    free = [key for key in KEYS if key not in used | _one_key([*labels, *known])]
    for label in labels:
        if label not in keys and free:
            keys[label] = free.pop(0)
    return keys


def parse_label_config(label_config: str) -> Labelling:
    """Read a label config, ours or one that people wrote.

    What else it asks for, such as a comment, is left to people. As on the page, upper and lower
    case of tags and attributes are the same.

    Raises:
        Unfit: it has no set of choices about an image, or more than one and none called `label`.
    """
    try:
        view = ElementTree.fromstring(label_config)
    except ElementTree.ParseError:
        raise Unfit("it is not XML") from None
    control = _control(view)
    about = _get(control, "toName")
    image = next((tag for tag in _tags(view, "Image") if _get(tag, "name") == about), None)
    if image is None:
        raise Unfit("its choices are not about an image")
    if _get(control, "perRegion", "false").lower() == "true":
        raise Unfit("its choices are about regions of the image")
    choice = "multiple" if _get(control, "choice") == "multiple" else "single"
    return Labelling(
        _checked_labels(control),
        choice,
        _get(control, "name"),
        about,
        _variable(image, control),
        _get(control, "required", "false").lower() == "true",
        _is_own(view),
        {
            label.strip(): label
            for label in map(_spelled, _tags(control, "Choice"))
            if label != label.strip()
        },
    )


def _variable(image: ElementTree.Element, control: ElementTree.Element) -> str:
    """Key of the task's data that holds the address of the image."""
    value = _get(image, "value")
    if re.match(r"\$\w+[.\[]", value):
        raise Unfit(
            f"its image is {value}, a value inside of another one; give the tasks a key for the "
            "image's address alone"
        )
    if not value.startswith("$") or _get(control, "value"):
        raise Unfit("its image or its choices are not a plain name of the task's data")
    return value.removeprefix("$")


def _checked_labels(control: ElementTree.Element) -> tuple[str, ...]:
    """The choices as annotations name them.

    Raises:
        Unfit: one of them cannot be a label.
    """
    choices = list(_tags(control, "Choice"))
    nested = next((c for choice in choices for c in _tags(choice, "Choice") if c != choice), None)
    if nested is not None:
        raise Unfit(
            f"its choices are nested: {_label(nested)} is below another one, so an answer would be "
            "a path of several labels; make a plain list of them"
        )
    labels = _labels(control)
    for label in labels:
        if why := why_no_label(label):
            raise Unfit(f"its choice {label!r} {why}")
    twice = next((label for at, label in enumerate(labels) if label in labels[:at]), None)
    if twice is not None:
        raise Unfit(f"it has the choice {twice} twice; blanks around a name do not count")
    return labels


def _build(choices: Iterable[tuple[str, str, str]], choice: str, page: LabelPage) -> str:
    """The config with these labels, each with its key and the HTML that it had."""
    plain = Labelling(())
    view = ElementTree.Element("View", className=page.classes)
    ElementTree.SubElement(view, "Style").text = STYLE.read_text(encoding="utf-8")
    picture = ElementTree.SubElement(view, "View", className="annoloop-picture")
    ElementTree.SubElement(
        picture,
        "Image",
        name=plain.object,
        value=f"${plain.data}",
        maxHeight=HEIGHT,
        zoom="false",
        zoomControl="false",
        horizontalAlignment="right",  # a narrow one stands beside the labels
    )
    ask = ElementTree.SubElement(view, "View", className="annoloop-ask")
    control = ElementTree.SubElement(
        ask, "Choices", name=plain.control, toName=plain.object, showInline="false"
    )
    control.set("choice", "single-radio" if choice == "single" else choice)
    if choice == "single":
        control.attrib.update(REQUIRED)
    for label, key, before in choices:
        _add(control, label, key, page.beside(label, before))
    view.set(SEAL, _sealed(view))
    return ElementTree.tostring(view, encoding="unicode")


def _add(control: ElementTree.Element, label: str, key: str, html: str = "") -> None:
    item = ElementTree.SubElement(control, "Choice", value=label)
    if key:
        item.set("hotkey", key)
    if html:
        item.set("html", html)


def _one_key(labels: Iterable[str]) -> set[str]:
    """Keys that are names of labels."""
    return {label.lower() for label in labels if label.lower() in set(KEYS)}


def _is_own(view: ElementTree.Element) -> bool:
    """Whether it is as annoloop wrote it, now or before; view is changed."""
    seal = view.attrib.pop(SEAL, None)
    return seal == _sealed(view) if seal else _is_earlier(view)


def _sealed(view: ElementTree.Element) -> str:
    """A digest of all that is in it."""
    return sha256(_canonical(view).encode()).hexdigest()[:12]


def _canonical(view: ElementTree.Element) -> str:
    return ElementTree.canonicalize(ElementTree.tostring(view, encoding="unicode"), strip_text=True)


def _is_earlier(view: ElementTree.Element) -> bool:
    """Whether it is the config of before: an image above a list of choices, and nothing else."""
    plain = Labelling(())
    if [child.tag for child in view] != ["Image", "Choices"] or view.attrib:
        return False
    image, control = view
    choices = {"name", "toName", "choice", "showInLine", *REQUIRED}
    return (
        dict(image.attrib) == {"name": plain.object, "value": f"${plain.data}"}
        and control.get("name") == plain.control
        and set(control.attrib) <= choices
        and control.get("required", "true") == "true"  # people may want it otherwise
        and all(item.tag == "Choice" and not len(item) for item in control)
        and all(set(item.attrib) <= {"value", "hotkey"} for item in control)
    )


def _labels(control: ElementTree.Element) -> tuple[str, ...]:
    return tuple(map(_label, _tags(control, "Choice")))


def _label(item: ElementTree.Element) -> str:
    """A choice as annotations name it, without the blanks around it."""
    return _spelled(item).strip()


def _spelled(item: ElementTree.Element) -> str:
    return _get(item, "alias") or _get(item, "value")


def _control(view: ElementTree.Element) -> ElementTree.Element:
    controls = list(_tags(view, "Choices"))
    own = [tag for tag in controls if _get(tag, "name") == Labelling(()).control]
    if len(controls) != 1 and len(own) != 1:
        raise Unfit(f"it has {len(controls)} sets of choices, and one is needed")
    return (own or controls)[0]


def _tags(root: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (tag for tag in root.iter() if _is(tag, name))


def _is(tag: ElementTree.Element, name: str) -> bool:
    return tag.tag.lower() == name.lower()


def _get(tag: ElementTree.Element, name: str, default: str = "") -> str:
    """An attribute, whatever the case of its name."""
    return next((v for key, v in tag.attrib.items() if key.lower() == name.lower()), default)
