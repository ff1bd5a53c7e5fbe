"""Pages of a pool: alike tiles of one label, held for one person, near-duplicates together."""

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from annolooop.domain.rounds import Page
from annolooop.domain.tasks import Image
from annolooop.loop.sheet import pool as module
from annolooop.loop.sheet.pool import Pool, Row


class Vectors:
    """Embeddings by content hash."""

    def __init__(self, rows: dict[str, NDArray[np.float32]]) -> None:
        self.rows = rows

    def matrix(self, hashes: Iterable[str]) -> NDArray[np.float32]:
        return np.stack([self.rows[name] for name in hashes])


def make(labels: str, vectors: NDArray[np.float32] | None = None) -> Pool:
    """A task for each letter, which is its label; tasks are numbered from 1."""
    rows = [
        Row(n, Image(f"{n}.jpg", str(n)), label, "other", 0.9)
        for n, label in enumerate(labels, start=1)
    ]
    if vectors is None:
        vectors = np.random.default_rng(0).normal(size=(len(rows), 64)).astype(np.float32)
    return Pool(rows, Vectors({str(n + 1): v for n, v in enumerate(vectors)}), seed=0)


def tasks_of(page: Page | None) -> set[int]:
    assert page
    return {task for tile in page.tiles for task in (tile.task, *tile.twins)}


def test_page_has_tiles_of_the_first_rows_label() -> None:
    page = make("abaab").page(1, 10)
    assert page
    assert (page.label, page.number, page.left) == ("a", 1, 5)
    assert tasks_of(page) == {1, 3, 4}


def test_nobody_gets_what_somebody_has() -> None:
    pool = make("a" * 10)
    pages = [tasks_of(pool.page(person, 3)) for person in (1, 2, 1)]
    assert not pages[0] & pages[1]
    assert not pages[0] & pages[2]
    assert len(tasks_of(pool.page(2, 60))) == 1
    assert pool.page(1, 3) is None


def test_who_begins_anew_gets_the_same_again() -> None:
    pool = make("a" * 6)
    first = tasks_of(pool.page(1, 3))
    other = tasks_of(pool.page(2, 3))
    pool.release(1)
    assert tasks_of(pool.page(1, 6)) == first
    assert not first & other


def test_page_that_nobody_answers_is_given_to_others_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_HELD", -1.0)
    pool = make("aaa")
    assert tasks_of(pool.page(1, 3)) == tasks_of(pool.page(2, 3))


def test_answered_tasks_are_gone_until_they_are_taken_back() -> None:
    pool = make("aaab")
    page = tasks_of(pool.page(1, 3))
    pool.answered(page)
    assert len(pool) == 1
    assert 1 not in pool
    pool.put_back([1, 2], 1)
    assert len(pool) == 3
    assert tasks_of(pool.page(2, 3)) == {4}  # the person still has them on a page


def test_tiles_are_those_most_like_the_first() -> None:
    vectors = np.eye(8, dtype=np.float32)
    vectors[5] = vectors[0] + 0.7 * vectors[1]
    page = make("a" * 8, vectors).page(1, 2)
    assert page
    assert [tile.task for tile in page.tiles] == [1, 6]


def test_near_duplicates_are_one_tile() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 64)).astype(np.float32)
    vectors[7] = vectors[0] + 0.001 * rng.normal(size=64).astype(np.float32)
    page = make("a" * 40, vectors).page(1, 60)
    assert page
    assert len(page.tiles) == 39
    assert (page.tiles[0].task, page.tiles[0].twins) == (1, (8,))


def test_only_images_of_pages_are_known() -> None:
    pool = make("ab")
    pool.page(1, 1)
    assert pool.image("1") == Image("1.jpg", "1")
    assert pool.image("2") is None


def test_empty_pool_has_no_page() -> None:
    assert make("", np.empty((0, 64), np.float32)).page(1, 12) is None
