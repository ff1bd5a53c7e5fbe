"""Which pages may read a bucket already, and which may not."""

import pytest

from annolooop.storage.clouds.requirements import Requirements, missing_origins

PAGE = "https://labels.example.org"
BOTH = ("GET", "HEAD")


@pytest.mark.parametrize(
    ("origins", "methods", "may_read"),
    [
        ([PAGE], BOTH, True),
        (["*"], BOTH, True),
        (["https://*.example.org"], BOTH, True),
        (["https://labels.example.org*"], BOTH, True),
        ([PAGE], ("get", "head", "put"), True),
        ([PAGE], ("GET",), False),
        (["https://*.example.com"], BOTH, False),
        ([f"{PAGE}/"], BOTH, False),
        ([], BOTH, False),
    ],
)
def test_origin_may_read_where_one_rule_matches_it_and_has_both_methods(
    origins: list[str], methods: tuple[str, ...], may_read: bool
) -> None:
    assert missing_origins([PAGE], [(origins, methods)]) == (() if may_read else (PAGE,))


def test_methods_of_two_rules_do_not_add_up() -> None:
    rules = [([PAGE], ("GET",)), ([PAGE], ("HEAD",))]
    assert missing_origins([PAGE], rules) == (PAGE,)


def test_two_parts_of_one_bucket_get_policies_of_their_own() -> None:
    names = {Requirements("lab", prefix, ()).policy_name for prefix in ("", "a", "a/", "a b", "ä")}
    assert len(names) == 5
    assert all(name.startswith("annoloop-lab-") and name.isascii() for name in names)
