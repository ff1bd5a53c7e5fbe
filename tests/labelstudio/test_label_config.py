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
)


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
