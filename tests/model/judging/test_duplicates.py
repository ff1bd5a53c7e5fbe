"""Near-duplicates are found in whatever order and number, and what is only alike is not one."""

import numpy as np
import pytest

from annolooop.model.judging import duplicates
from annolooop.model.judging.duplicates import NEVER_A_CHAIN, ROWS_AT_ONCE, near_groups
from annolooop.model.numeric import Indices, Vectors


def features(count: int, dim: int = 64, seed: int = 0) -> Vectors:
    """Embeddings as a network gives them: not below 0, around a few centres."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(8, dim))
    rows = 0.5 * centres[rng.integers(0, 8, count)] + rng.normal(size=(count, dim))
    return np.abs(rows).astype(np.float32)


def with_copies(rows: Vectors, copies: int, noise: float = 0.1) -> tuple[Vectors, Indices]:
    """The rows and slightly other ones of them, shuffled; and which row each comes from."""
    rng = np.random.default_rng(1)
    others = [rows + noise * rng.normal(size=rows.shape) for _ in range(copies)]
    whole = np.concatenate([rows, *others])
    order = rng.permutation(len(whole))
    return whole[order].astype(np.float32), np.tile(np.arange(len(rows)), copies + 1)[order]


def same_groups(one: Indices, other: Indices) -> bool:
    pairs = {(int(a), int(b)) for a, b in zip(one, other, strict=True)}
    return len(pairs) == len(set(one.tolist())) == len(set(other.tolist()))


@pytest.mark.parametrize("copies", [1, 3])
def test_each_copy_is_with_its_original_and_nothing_else_is(copies: int) -> None:
    rows, origin = with_copies(features(200), copies)
    found = near_groups(rows)
    assert found.exact
    assert same_groups(found.groups, origin)
    assert all(group == np.flatnonzero(found.groups == group)[0] for group in found.groups)


def test_distinct_pictures_are_no_duplicates_however_few() -> None:
    for count in (0, 1, 2, 3, 10, 300):
        found = near_groups(features(count))
        assert found.groups.tolist() == list(range(count))


def test_order_and_length_of_rows_do_not_matter() -> None:
    rows, _ = with_copies(features(150), 1)
    expected = near_groups(rows).groups
    brighter = rows * np.linspace(0.5, 2, len(rows), dtype=np.float32)[:, None]
    assert same_groups(near_groups(brighter).groups, expected)
    order = np.random.default_rng(2).permutation(len(rows))
    assert same_groups(near_groups(rows[order]).groups, expected[order])


def test_rounding_to_bf16_parts_nothing() -> None:
    rows = features(200, 256)
    rounded = (rows.view(np.uint32) & 0xFFFF0000).view(np.float32)
    assert same_groups(
        near_groups(np.concatenate([rows, rounded])).groups, np.tile(np.arange(200), 2)
    )
    two = near_groups(np.stack([rows[0], rounded[0]]))  # nothing to compare with
    assert two.groups.tolist() == [0, 0]


def test_pictures_that_are_all_alike_do_not_collapse() -> None:
    few_ways = np.random.default_rng(5).uniform(size=(500, 3)).astype(np.float32)
    assert np.bincount(near_groups(few_ways).groups).max() <= 50


def test_chain_among_other_pictures_is_parted() -> None:
    rng = np.random.default_rng(3)
    others = features(300)
    steps = np.linspace(0, 1, 40)[:, None]
    chain = (1 - steps) * others[0] + steps * others[1] + 0.03 * rng.normal(size=(40, 64))
    found = near_groups(np.concatenate([others, chain.astype(np.float32)]))
    assert 1 < np.bincount(found.groups).max() <= 34


def test_group_of_what_only_rounding_parts_may_be_as_large_as_it_is() -> None:
    still = np.repeat(features(1), 3000, axis=0)
    found = near_groups(np.concatenate([features(500, seed=4), still]))
    assert np.bincount(found.groups).max() == 3000
    few = near_groups(np.concatenate([features(20, seed=4), still[: NEVER_A_CHAIN + 3]]))
    assert np.bincount(few.groups).max() == NEVER_A_CHAIN + 3


def test_many_images_are_compared_in_cells_and_read_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, origin = with_copies(features(3000), 1)

    class Parts:
        def __len__(self) -> int:
            return len(rows)

        def __getitem__(self, indices: Indices) -> Vectors:
            assert len(indices) <= ROWS_AT_ONCE
            return rows[indices]

    exact = near_groups(Parts())
    monkeypatch.setattr(duplicates, "EXACT_UP_TO", 1000)
    monkeypatch.setattr(duplicates, "CELL", 200)
    near = near_groups(Parts())
    assert (exact.exact, near.exact) == (True, False)
    assert same_groups(exact.groups, origin)
    together = [len(set(near.groups[origin == picture])) == 1 for picture in range(3000)]
    assert np.mean(together) > 0.98
    assert len(set(zip(near.groups.tolist(), exact.groups.tolist(), strict=True))) == len(
        set(near.groups.tolist())
    )


def test_picture_without_features_is_a_duplicate_of_its_like_only() -> None:
    rows = features(50)
    rows[[7, 9]] = 0
    groups = near_groups(rows).groups
    assert groups[9] == groups[7]
    assert len(set(groups.tolist())) == 49
