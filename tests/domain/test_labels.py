"""Which texts can be labels."""

import pytest

from annolooop.domain.labels import why_no_label


@pytest.mark.parametrize(
    "label", ["US$", "5 $ or more", "$", "a$-b", "yes", "1", "猫", "<a> & 'b'"]
)
def test_plain_text_can_be_a_label(label: str) -> None:
    assert why_no_label(label) == ""


@pytest.mark.parametrize(
    ("label", "why"),
    [
        ("", "is empty"),
        (" hat", "starts or ends with a space"),
        ("hat\u00a0", "starts or ends with a space"),
        ("$1", "has $1, which Label Studio takes for a variable"),
        ("$image", "has $image, which"),
        ("costs $5", "has $5, which"),
        ("${x}", "has ${x}, which"),
        ("top\nhat", "has a line break or a control character"),
        ("top\u2028hat", "has a line break or a control character"),
        ("a\x1b[31m", "has a line break or a control character"),
        ("a\ud800b", "has a line break or a control character"),
    ],
)
def test_text_that_people_would_not_see_as_it_is_cannot(label: str, why: str) -> None:
    assert why_no_label(label).startswith(why)
