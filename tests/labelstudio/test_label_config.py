"""Label configs, ours and those that people wrote, and results in their terms."""

import pytest

from annolooop.labelstudio.label_config import (
    KEYS,
    Labelling,
    Unfit,
    build_label_config,
    change_label_config,
    hotkeys,
    parse_label_config,
    same_label_config,
)
from annolooop.labelstudio.label_page import LabelPage


def test_choice_with_an_alias_is_not_added_again() -> None:
    config = (
        '<View><Image name="pic" value="$photo"/><Choices name="kind" toName="pic">'
        '<Choice value="The cat" alias="aria"/><Choice value="not_aria"/></Choices></View>'
    )
    extended = parse_label_config(
        change_label_config(config, ["aria", "not_aria", "dog"], "single")
    )
    assert extended.labels == ("aria", "not_aria", "dog")


def test_label_config_is_escaped_and_read_back() -> None:
    labels = ('<a> & "b"', "ünï 猫", "c")
    for choice in ("single", "multiple"):
        expected = Labelling(labels, choice, required=choice == "single", own=True)
        assert parse_label_config(build_label_config(labels, choice)) == expected


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("<View", "not XML"),
        ("<View/>", "has 0 sets of choices"),
        ('<View><Choices name="a"/><Choices name="b"/></View>', "has 2 sets of choices"),
        (
            '<View><Text name="t" value="$t"/><Choices name="c" toName="t"/></View>',
            "not about an image",
        ),
        (
            '<View><Image name="i" value="$i"/><Choices name="c" toName="i" value="$c"/></View>',
            "plain name",
        ),
        (
            '<View><Image name="i" value="$i"/>'
            '<Choices name="c" toName="i" perRegion="true"/></View>',
            "about regions",
        ),
        (
            '<View><Image name="i" value="$meta.img"/><Choices name="c" toName="i"/></View>',
            r"its image is \$meta.img, a value inside of another one",
        ),
        (
            '<View><Image name="i" value="$i"/><Choices name="c" toName="i" allowNested="true">'
            '<Choice value="top"><Choice value="hat"/></Choice></Choices></View>',
            "its choices are nested: hat is below another one",
        ),
        (
            '<View><Image name="i" value="$i"/><Choices name="c" toName="i">'
            '<Choice value="$1"/></Choices></View>',
            r"its choice '\$1' has \$1, which Label Studio takes for a variable",
        ),
        (
            '<View><Image name="i" value="$i"/><Choices name="c" toName="i">'
            '<Choice value="hat"/><Choice value="hat "/></Choices></View>',
            "it has the choice hat twice",
        ),
        (
            '<View><Image name="i" value="$i"/><Choices name="c" toName="i">'
            "<Choice/></Choices></View>",
            "its choice '' is empty",
        ),
    ],
)
def test_label_config_that_does_not_fit_says_why(config: str, reason: str) -> None:
    with pytest.raises(Unfit, match=reason):
        parse_label_config(config)


def test_label_config_that_people_wrote_is_read() -> None:
    config = (
        '<View><Image name="pic" value="$photo"/><TextArea name="why" toName="pic"/>'
        '<Choices name="kind" toName="pic" choice="single-radio">'
        '<Choice value="Cat" alias="cat"/><Choice value="dog"/></Choices></View>'
    )
    read = parse_label_config(config)
    assert read == Labelling(("cat", "dog"), "single", "kind", "pic", "photo")


def test_case_of_tags_and_attributes_does_not_matter() -> None:
    config = (
        '<view><image name="pic" value="$photo"/>'
        '<choices Name="kind" toname="pic" Required="True"><choice Value="cat"/></choices></view>'
    )
    read = parse_label_config(config)
    assert read == Labelling(("cat",), "single", "kind", "pic", "photo", required=True)


def test_blanks_around_a_choice_are_not_part_of_the_label() -> None:
    config = (
        '<View><Image name="pic" value="$photo"/><Choices name="kind" toName="pic">'
        '<Choice value="hat "/><Choice value="cap"/></Choices></View>'
    )
    read = parse_label_config(config)
    assert (read.labels, read.spelled) == (("hat", "cap"), {"hat": "hat "})
    assert parse_label_config(change_label_config(config, ["hat"], "single")).labels == read.labels


OLD = (
    '<View><Image name="image" value="$image"/><Choices name="label" toName="image" '
    'choice="single" showInLine="true"><Choice value="a" hotkey="1"/></Choices></View>'
)


def test_our_config_of_before_is_made_to_ask_for_an_answer() -> None:
    assert parse_label_config(OLD).own
    assert not parse_label_config(OLD).required
    changed = change_label_config(OLD, ["a"], "single")
    assert parse_label_config(changed).required
    assert "requiredMessage=" in changed


@pytest.mark.parametrize(
    "config",
    [
        OLD.replace("<View>", '<View className="mine">'),
        OLD.replace("showInLine", 'required="false" showInLine'),
        OLD.replace("</View>", '<TextArea name="why" toName="image"/></View>'),
        OLD.replace('hotkey="1"', 'hotkey="1" alias="b"'),
    ],
)
def test_config_that_people_changed_stays_theirs(config: str) -> None:
    assert not parse_label_config(config).own
    assert "requiredMessage" not in change_label_config(config, ["b"], "single")


def test_with_multiple_choice_no_answer_is_one() -> None:
    changed = change_label_config(build_label_config(["a", "b"]), ["a", "b"], "multiple")
    assert "required" not in changed
    assert parse_label_config(changed).own


def test_labels_can_be_taken_out() -> None:
    config = build_label_config(["a", "b", "c"])
    changed = parse_label_config(change_label_config(config, ["d"], "single", ["a", "b"]))
    assert changed.labels == ("c", "d")


@pytest.mark.parametrize(
    ("labels", "keys"),
    [
        (["cat", "dog"], "12"),
        (list("0123456789"), "0123456789"),
        (["2", "cat", "dog"], "213"),
        (["q", "cat", "W", "dog"], "q1w2"),
        (["é", "a"], "1a"),
        (["a", "A"], "a1"),
    ],
)
def test_single_characters_are_their_own_keys_and_others_get_keys_that_are_nobodys_name(
    labels: list[str], keys: str
) -> None:
    assert hotkeys(labels) == dict(zip(labels, keys, strict=True))


def test_label_that_is_added_gets_a_free_key() -> None:
    changed = change_label_config(build_label_config(["cat", "dog"]), ["cat", "1", "cow"], "single")
    assert '<Choice value="1" hotkey="3" />' in changed
    assert '<Choice value="cow" hotkey="4" />' in changed


def test_more_labels_than_keys_have_none() -> None:
    assert len(hotkeys([f"label {n}" for n in range(50)])) == len(KEYS)


PAGE = LabelPage(hints={"a": "the <first>"}, one_key=True)


def test_our_config_follows_the_stack_file_and_keeps_its_keys() -> None:
    config = build_label_config(["b", "a"], page=LabelPage(hints={"b": "gone"}))
    changed = change_label_config(config, ["a", "b", "c"], "single", page=PAGE)
    assert parse_label_config(changed).own
    assert parse_label_config(changed).labels == ("b", "a", "c")
    assert "gone" not in changed
    assert "the &amp;lt;first&amp;gt;" in changed
    assert 'className="annoloop annoloop-one-key"' in changed
    again = change_label_config(changed, ["a", "b", "c"], "single", page=PAGE)
    assert same_label_config(changed, again)


def test_our_config_of_before_gets_the_page_of_today() -> None:
    changed = change_label_config(OLD.replace('hotkey="1"', 'hotkey="x"'), ["a"], "single")
    assert '<Choice value="a" hotkey="x" />' in changed
    assert parse_label_config(changed).own


@pytest.mark.parametrize(
    "by_hand",
    [
        ("annoloop-ask", "mine"),
        ("flex", "block"),
        ('hotkey="b"', 'hotkey="9"'),
        ("</View></View>", '<TextArea name="why" toName="image"/></View></View>'),
        ("the &amp;lt;first&amp;gt;", "the very first"),
    ],
)
def test_what_people_changed_in_our_config_stays(by_hand: tuple[str, str]) -> None:
    theirs = build_label_config(["a", "b"], page=PAGE).replace(*by_hand)
    assert not parse_label_config(theirs).own
    other = LabelPage(hints={"a": "another", "c": "new"}, one_key=True)
    changed = change_label_config(theirs, ["a", "b", "c"], "single", page=other)
    assert by_hand[1] in changed.replace(" />", "/>")
    assert "another" not in changed
    assert '<Choice value="c"' in changed
    assert "new" in changed
    assert change_label_config(changed, ["a", "b", "c"], "single", page=other) == changed


def test_how_a_config_is_written_does_not_matter() -> None:
    config = build_label_config(["a", "b"])
    assert same_label_config(config, config.replace("><", ">\n  <").replace(" />", "/>"))
    assert parse_label_config(config.replace("><", ">\n  <")).own
