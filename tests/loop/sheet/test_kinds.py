"""What tiles are shown as, and which tasks a sheet has."""

import numpy as np

from annolooop.domain.tasks import Image
from annolooop.loop.sheet import kinds

LABELS = ("cat", "dog", "cow")
TASKS = [(n, Image(f"{n}.jpg", str(n))) for n in range(3)]
SURE = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.02, 0.9, 0.08]])


def test_tile_is_the_most_probable_label_and_one_click_makes_it_the_second() -> None:
    rows = list(kinds._predicted(TASKS, SURE, LABELS))
    assert [(row.label, row.second, row.score) for row in rows] == [
        ("cat", "dog", 0.7),
        ("cow", "dog", 0.6),
        ("dog", "cow", 0.9),
    ]


def test_single_label_has_no_other_one() -> None:
    (row,) = kinds._predicted(TASKS[:1], np.array([[1.0]]), ("cat",))
    assert (row.label, row.second) == ("cat", "cat")


def test_sheet_of_one_label_has_all_that_may_be_it() -> None:
    rows = list(kinds._of_label(TASKS, SURE, LABELS, "cat"))
    assert [(row.task, row.label, row.second, row.score) for row in rows] == [
        (0, "cat", "dog", 0.7),
        (1, "cat", "cow", 0.1),
    ]
