"""The tasks that a query may choose from: shares, draws, and a bound."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from annolooop.domain.split import split_of
from annolooop.domain.tasks import Image
from annolooop.loop.infer.candidates import Candidate, Candidates
from annolooop.loop.versions.predict import Predictor


@dataclass(frozen=True)
class Sure:
    """Predicts the number in an image's key."""

    version: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(choice="single"))

    def probabilities(self, images: Sequence[Image]) -> NDArray[np.float64]:
        sure = np.array([float(image.key) for image in images])
        return np.stack([sure, 1 - sure], axis=1)


def test_of_a_large_pool_half_is_drawn_and_half_is_the_least_sure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("annolooop.loop.infer.candidates.CANDIDATES", 20)
    rng = np.random.default_rng(0)
    pool = [
        Candidate(n, Image(f"{0.5 + n / 600:.4f}", rng.bytes(32).hex()))
        for n in rng.permutation(300).tolist()
    ]

    def kept(size: int) -> tuple[list[Candidate], list[Candidate]]:
        candidates = Candidates(5, 0.2, {}, cast(Predictor, Sure()), seed=1)
        for start in range(0, len(pool), size):
            candidates.add(pool[start : start + size])
        assert candidates.total == 300
        return candidates.to_choose_from, candidates.held

    candidates, held = kept(300)
    assert kept(7) == (candidates, held)
    assert len(candidates) == 20
    free = sorted(c.task for c in pool if split_of(c.image.sha256, 0.2) == "train")
    assert len({c.task for c in candidates} & set(free[:12])) >= 10
    by_draw = sorted(
        (c for c in pool if split_of(c.image.sha256, 0.2) == "holdout"),
        key=lambda c: c.image.sha256[26:39],
    )
    assert held == by_draw[:5]
    assert split_of(held[-1].image.sha256, 0.2) == "holdout"


@pytest.fixture
def pool() -> list[Candidate]:
    rng = np.random.default_rng(0)
    return [Candidate(n, Image("0.5", rng.bytes(32).hex())) for n in range(100)]


def test_few_tasks_of_each_round_add_up_to_the_share_of_the_holdout(pool: list[Candidate]) -> None:
    candidates = Candidates(3, 0.2, {}, None, seed=1)
    candidates.add(pool)
    rounds = [candidates.holdout_share(3, before) for before in range(0, 30, 3)]
    assert sum(rounds) == 6
    assert set(rounds) == {0, 1}


def test_holdout_is_asked_more_where_the_others_run_out(pool: list[Candidate]) -> None:
    held = [one for one in pool if split_of(one.image.sha256, 0.2) == "holdout"]
    candidates = Candidates(5, 0.2, {}, None, seed=1)
    candidates.add(held)
    assert candidates.free == 0
    assert candidates.holdout_share(5, 0) == 5


def test_image_stays_in_the_part_of_the_split_that_was_recorded(pool: list[Candidate]) -> None:
    recorded = {one.image.sha256: "holdout" for one in pool[:10]}
    candidates = Candidates(100, 0.0, recorded, None, seed=1)
    candidates.add(pool)
    assert {one.task for one in candidates.held} == set(range(10))
    assert {one.task for one in candidates.to_choose_from} == set(range(10, 100))
