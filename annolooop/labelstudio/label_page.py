"""How the page on which people label looks: its style, and what stands beside a label."""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from pathlib import Path

ROOT = "annoloop"  # class of all that is ours; the script of our own server looks for it
ONE_KEY = "annoloop-one-key"

STYLE = Path(__file__).with_suffix(".css")
HEIGHT = "calc(100vh - 150px)"  # of the image, at most


@dataclass(frozen=True)
class LabelPage:
    """What people read beside the labels, and how they answer.

    Attributes:
        hints: label -> a sentence that is shown below it.
        examples: label -> where a picture is that is shown beside it.
        picture: the WebP of such a place, small.
        one_key: the key of a label also submits; where the page has our script.
        instructions: what people read before they begin; empty for nothing.
    """

    hints: Mapping[str, str] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    picture: Callable[[str], bytes] = field(default=lambda place: b"", compare=False)
    one_key: bool = False
    instructions: str = ""

    @property
    def classes(self) -> str:
        """Of the outermost element."""
        return f"{ROOT} {ONE_KEY}" if self.one_key else ROOT

    def beside(self, label: str, before: str = "") -> str:
        """HTML of a button with a hint or an example; empty for one with neither.

        Args:
            label: its text.
            before: as it is in the project; a picture of the same place is taken from there.
        """
        hint, place = self.hints.get(label, ""), self.examples.get(label, "")
        if not hint and not place:
            return ""
        below = f'<span class="annoloop-hint">{escape(hint)}</span>' if hint else ""
        picture = ""
        if place:
            name = _digest(place)
            known = re.search(rf'<span class="annoloop-example" id="{name}"[^>]*></span>', before)
            picture = known[0] if known else _picture(name, self.picture(place))
        return f'<span class="annoloop-text">{escape(label)}{below}</span>{picture}'

    def instructions_after(self, before: str) -> str:
        """The instructions that a project is to have; those that people wrote stay.

        Args:
            before: HTML that it has.
        """
        ours = re.fullmatch(r'<div class="annoloop-(\w+)">(.*)</div>', before.strip(), re.DOTALL)
        if before.strip() and not (ours and ours[1] == _digest(ours[2])):
            return before
        text = escape(self.instructions.strip(), quote=False).replace("\n", "<br>")
        return f'<div class="annoloop-{_digest(text)}">{text}</div>' if text else ""


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]


def _picture(name: str, webp: bytes) -> str:
    """The picture itself: no address would work on every server, and for every browser."""
    address = f"data:image/webp;base64,{b64encode(webp).decode()}"
    style = f"background-image:url('{address}')"
    return f'<span class="annoloop-example" id="{name}" style="{style}"></span>'


PLAIN = LabelPage()
