"""Label configs, ours and those that people wrote, and results in their terms."""

import pytest

from annolooop.labelstudio.label_config import (
    Labelling,
    Unfit,
    build_label_config,
    build_result,
    extend_label_config,
    labels_of,
    parse_label_config,
)


def test_choice_with_an_alias_is_not_added_again() -> None:
    config = (
        '<View><Image name="pic" value="$photo"/><Choices name="kind" toName="pic">'
        '<Choice value="The cat" alias="aria"/><Choice value="not_aria"/></Choices></View>'
    )
    extended = parse_label_config(
        extend_label_config(config, ["aria", "not_aria", "dog"], "single")
    )
    assert extended.labels == ("aria", "not_aria", "dog")


def test_label_config_is_escaped_and_read_back() -> None:
    labels = ('<a> & "b"', "ünï 猫", "c")
    for choice in ("single", "multiple"):
        assert parse_label_config(build_label_config(labels, choice)) == Labelling(labels, choice)


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


def test_result_says_its_labels() -> None:
    own = Labelling(("a", "b"))
    assert labels_of(own, build_result(own, ["b", "a"], 0.5)) == ("a", "b")
    assert labels_of(own, build_result(own, [])) == ()
