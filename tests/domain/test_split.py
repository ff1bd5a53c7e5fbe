"""The part of the split follows from the hash, unless it is recorded."""

import hashlib

from annolooop.domain.split import split_of

HELD = "0" * 64


LEARNT = "f" * 64


def test_larger_holdout_keeps_what_a_smaller_one_held() -> None:
    hashes = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(2000)]
    small = {h for h in hashes if split_of(h, 0.1) == "holdout"}
    large = {h for h in hashes if split_of(h, 0.2) == "holdout"}
    assert small < large
    assert 150 < len(small) < 250
    assert not {h for h in hashes if split_of(h, 0.0) == "holdout"}


def test_part_is_that_of_the_hash_unless_it_is_recorded() -> None:
    assert split_of(HELD, 0.2, {}) == split_of(HELD, 0.2) == "holdout"
    assert split_of(HELD, 0.2, {HELD: "train"}) == "train"
    assert split_of(LEARNT, 0.2, {HELD: "train"}) == "train"
