"""Figures of a round."""

from support.records import annotation

from annolooop.domain.rounds import Round
from annolooop.loop.rounds.figures import round_stats


def test_what_says_nothing_is_not_answered_and_a_skip_is() -> None:
    asked = Round(1, "2026-01-01", "1 then", "v1", "margin", "", (1, 2, 3, 4, 5), (5,), ())
    given = [
        annotation(1),
        annotation(2, None, skipped=True),
        annotation(3, None),
        annotation(4, accepted="v1"),
        annotation(9),
    ]
    assert round_stats(asked, given, "single").answered == 2
    assert round_stats(asked, given, "multiple").answered == 3
