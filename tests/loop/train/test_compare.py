"""What follows from the figures of a comparison."""

import pytest

from annolooop.domain.versions import Finetuning
from annolooop.loop.train.compare import judge_finetuning

TUNED = Finetuning("layer4", 100, 20, epochs=5, best_epoch=3)


@pytest.mark.parametrize(
    ("finetuning", "only_head", "only_tuned", "p_value", "verdict", "pays"),
    [
        (Finetuning("layer4", 12, 2), 0, 0, None, "too few labels to fine-tune: 2 of 12", False),
        (Finetuning("layer4", 99, 20, 5, 0), 0, 0, None, "both are the same model", False),
        (TUNED, 3, 9, None, "too few to decide: 10 are needed", False),
        (TUNED, 1, 2, 0.9, "differ on 3 images", False),
        (TUNED, 5, 9, 0.42, "may be chance (p = 0.42)", False),
        (TUNED, 1, 12, 0.003, "Fine-tuning is better", True),
        (TUNED, 12, 1, 0.003, "The head alone is better", False),
    ],
)
def test_verdict_and_advice_follow_from_the_figures(
    finetuning: Finetuning,
    only_head: int,
    only_tuned: int,
    p_value: float | None,
    verdict: str,
    pays: bool,
) -> None:
    found, better = judge_finetuning(finetuning, 40, only_head, only_tuned, p_value)
    assert verdict in found
    assert better is pays
