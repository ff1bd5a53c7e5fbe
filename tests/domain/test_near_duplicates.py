"""Which image of a group of near-duplicates moves, and which is left out: rules without a store."""

import pytest

from annolooop.domain.examples import Example
from annolooop.domain.near_duplicates import assign, crossing, leaking, with_recorded


def example(name: str, split: str, label: str = "cat", last: str = "0") -> Example:
    """An image; ``last`` ends its hash."""
    return Example(f"images/{name}.jpg", f"{name}{last}", (label,), split)


A = example("a", "train", last="1")
B = example("b", "holdout", last="2")
OTHERS = [example(str(n), "train", last="9") for n in range(3)]


def test_only_groups_with_images_in_both_parts_cross_the_split() -> None:
    assert crossing([[A, B], [A, OTHERS[0]], [B]]) == [[A, B]]


@pytest.mark.parametrize(("a", "b", "part"), [("1", "2", "train"), ("2", "1", "holdout")])
def test_unknown_images_come_to_the_part_of_the_one_whose_hash_ends_lowest(
    a: str, b: str, part: str
) -> None:
    group = [example("a", "train", last=a), example("b", "holdout", last=b)]
    (moved,) = assign([group], set(), [*group, *OTHERS]).items()
    assert moved == (group[0 if part == "holdout" else 1].sha256, part)


@pytest.mark.parametrize(("known", "moved"), [(A, B), (B, A)])
def test_unknown_images_come_to_the_part_of_a_known_one(known: Example, moved: Example) -> None:
    assert assign([[A, B]], {known.sha256}, [A, B, *OTHERS]) == {moved.sha256: known.split}


def test_known_images_in_both_parts_stay() -> None:
    bridge = example("c", "train")
    assert assign([[A, B, bridge]], {A.sha256, B.sha256}, [A, B, bridge, *OTHERS]) == {}


def test_last_images_of_a_label_stay_in_the_training_set() -> None:
    rare = example("rare", "train", "owl", last="2")
    held = example("held", "holdout", "owl", last="1")
    assert assign([[rare, held]], set(), [rare, held, *OTHERS]) == {held.sha256: "train"}


def test_groups_that_are_taken_one_after_the_other_leave_some_of_a_label() -> None:
    groups = [
        [example(f"t{n}", "train", "owl", last="2"), example(f"h{n}", "holdout", "owl", last="1")]
        for n in range(3)
    ]
    moves = assign(groups, set(), [e for group in groups for e in group])
    assert sorted(moves.values()) == ["holdout", "holdout", "train"]


def test_images_of_the_training_set_leak_where_the_group_crosses_the_split() -> None:
    why = "it is a near-duplicate of images/b.jpg, which is in the holdout"
    assert leaking([A, B, OTHERS[0]]) == {A.sha256: why, OTHERS[0].sha256: why}


def test_recorded_part_takes_the_place_of_that_of_the_hash() -> None:
    moved, stays = with_recorded([A, B], {A.sha256: "holdout"})
    assert (moved.split, stays) == ("holdout", B)
