"""Label configs that people wrote."""

from annolooop.labelstudio.label_config import extend_label_config, parse_label_config


def test_choice_with_an_alias_is_not_added_again() -> None:
    config = (
        '<View><Image name="pic" value="$photo"/><Choices name="kind" toName="pic">'
        '<Choice value="The cat" alias="aria"/><Choice value="not_aria"/></Choices></View>'
    )
    extended = parse_label_config(
        extend_label_config(config, ["aria", "not_aria", "dog"], "single")
    )
    assert extended.labels == ("aria", "not_aria", "dog")
