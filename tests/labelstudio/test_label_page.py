"""What people read beside the labels: hints, examples, instructions."""

from html.parser import HTMLParser

import pytest

from annolooop.labelstudio.label_page import PLAIN, LabelPage

ODD = "<img src=x onerror=alert(1)> & \"x\" 'y'"


class Shown(HTMLParser):
    """The tags and the text of HTML, as a browser has them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_label_without_a_hint_is_plain_text() -> None:
    assert LabelPage(hints={"b": "x"}).beside("a") == ""


def test_label_and_hint_are_text_whatever_they_have() -> None:
    shown = Shown(LabelPage(hints={ODD: ODD + "!"}).beside(ODD))
    assert shown.text == [ODD, ODD + "!"]
    assert set(shown.tags) == {"span"}


def test_example_is_part_of_the_page() -> None:
    page = LabelPage(examples={"a": "a.jpg"}, picture=lambda place: place.encode())
    html = page.beside("a")
    assert "url('data:image/webp;base64,YS5qcGc=')" in html
    assert Shown(html).text == ["a"]


def test_example_that_the_project_has_is_not_read_again() -> None:
    before = LabelPage(examples={"a": "a.jpg"}, picture=lambda place: b"1").beside("a")

    def refuse(place: str) -> bytes:
        pytest.fail(f"{place} is read")

    after = LabelPage({"a": "a hint"}, {"a": "a.jpg"}, refuse).beside("a", before)
    assert "data:image/webp;base64,MQ==" in after
    assert "a hint" in after


def test_another_example_takes_its_place() -> None:
    before = LabelPage(examples={"a": "a.jpg"}, picture=lambda place: b"1").beside("a")
    after = LabelPage(examples={"a": "b.jpg"}, picture=lambda place: b"2").beside("a", before)
    assert "base64,Mg==" in after
    assert "base64,MQ==" not in after


def test_instructions_are_text_in_lines() -> None:
    shown = Shown(LabelPage(instructions=f"one\n{ODD}\n").instructions_after(""))
    assert shown.tags == ["div", "br"]
    assert "".join(shown.text) == f"one{ODD}"


def test_instructions_of_ours_are_replaced_and_taken_away() -> None:
    first = LabelPage(instructions="one").instructions_after("")
    second = LabelPage(instructions="two").instructions_after(first)
    assert Shown(second).text == ["two"]
    assert PLAIN.instructions_after(second) == ""


@pytest.mark.parametrize("change", [("one", "mine"), ("<div", "<p>Look.</p><div")])
def test_instructions_of_people_stay(change: tuple[str, str]) -> None:
    theirs = LabelPage(instructions="one").instructions_after("").replace(*change)
    assert LabelPage(instructions="two").instructions_after(theirs) == theirs
    assert PLAIN.instructions_after(theirs) == theirs
