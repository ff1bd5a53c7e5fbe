"""Answers with a prediction in view are compared with blind ones about images chosen alike."""

from collections.abc import Sequence
from typing import cast

import pytest

from annolooop.domain.annotations import Annotation
from annolooop.domain.examples import Rules
from annolooop.loop.quality.stats import compare_answers
from annolooop.stack import Stack

RULES = Rules(("a", "b"), "single", "majority", 0.5)
HELD, FREE = "0" * 64, "f" * 64  # hashes on either side of the split


def answer(sha256: str, label: str, shown: bool) -> Annotation:
    prediction = ("v1", ("a",)) if shown else (None, ())
    return Annotation(1, 1, "k", sha256, (label,), False, False, 1, "2026-01-01", *prediction)


@pytest.mark.parametrize(
    ("answers", "compared", "shown", "blind"),
    [
        ([(HELD, "a", True), (HELD, "b", False), (FREE, "b", True)], "holdout", 1.0, 0.0),
        ([(HELD, "a", False), (FREE, "b", True), (FREE, "a", False)], "train", 0.0, 1.0),
        ([(HELD, "a", False), (FREE, "b", True)], "", 0.0, 1.0),
        ([(HELD, "a", True), (FREE, "b", True)], "", 0.5, None),
        ([], "", None, None),
    ],
)
def test_answers_about_one_side_of_the_split_are_compared(
    monkeypatch: pytest.MonkeyPatch,
    answers: Sequence[tuple[str, str, bool]],
    compared: str,
    shown: float | None,
    blind: float | None,
) -> None:
    def outcomes(
        stack: Stack, name: str, annotations: Sequence[Annotation], choice: str
    ) -> tuple[int, int]:
        same = [a.labels == ("a",) for a in annotations if not a.shown_version]
        return sum(same), len(same) - sum(same)

    monkeypatch.setattr("annolooop.loop.quality.stats.blind_outcomes", outcomes)
    given = [answer(*one) for one in answers]
    found = compare_answers(cast(Stack, None), "d", given, RULES)
    assert [one and one.same.value for one in found[:2]] == [shown, blind]
    assert found[2] == compared
