"""Labels that may be wrong are found, shown, and not asked about again once confirmed."""

from pathlib import Path
from typing import Any

import pytest
from support.annotated_dataset import store_labels
from support.trained_dataset import NAME, TrainedDataset
from support.trained_loop import TrainedLoop

from annolooop.domain.progress import untracked
from annolooop.errors import DataError, UsageError
from annolooop.loop.quality.review import review
from annolooop.loop.quality.review_tab import FIELD, TITLE


def test_wrong_labels_are_found_shown_and_not_asked_again_once_confirmed(loop: TrainedLoop) -> None:
    given = {a.task: a for a in loop.annotations()}
    planted = [given[task.id] for task in loop.labelled[20:22]]
    for a in planted:
        loop.change(a.id, "aria" if a.labels == ("not_aria",) else "not_aria")
    stack = loop.stack()
    found = review(stack, loop.name, 8, True, untracked)
    suspects = {s.task: s for s in found.suspects}
    assert {a.task for a in planted} <= suspects.keys()
    for a in planted:
        assert suspects[a.task].suggested == a.labels
    assert (found.overlaps[0].first, found.overlaps[0].second) == ("aria", "not_aria")
    view = stack.studio.views.find(loop.id, TITLE)
    assert view
    assert found.url.endswith(f"tab={view.id}&labeling=1")
    asked: dict[str, Any] = stack.studio.tasks.data(loop.id, [found.suspects[0].task])
    (data,) = asked.values()
    assert data[FIELD].startswith(f"r0001-00001-{found.suspects[0].annotation} ")
    assert "It looks like" in data[FIELD]
    # One is corrected, the other one left as it is.
    loop.change(planted[0].id, planted[0].labels[0])
    loop.change(planted[1].id, suspects[planted[1].task].labels[0])
    after = review(loop.stack(), loop.name, 50, False, untracked)
    assert (after.corrected, after.confirmed) == (1, 1)
    assert after.still_open == len(found.suspects) - 2
    assert not {a.task for a in planted} & {s.task for s in after.suspects}
    # Someone who says otherwise, and is outvoted, confirms nothing.
    confirmed = planted[1]
    for label in (suspects[confirmed.task].labels[0], confirmed.labels[0]):
        loop.person(label).annotations.create(loop.id, confirmed.task, [label], 1.0)
    assert review(loop.stack(), loop.name, 50, False, untracked).confirmed == 0
    curve = loop.project.json("dataset", "curve")
    assert curve["judged_by"] == "out-of-fold"
    assert [point["share"] for point in curve["points"]] == [0.25, 0.5, 0.75, 1.0]
    assert curve["gain"]["low"] <= curve["gain"]["value"] <= curve["gain"]["high"]


def test_without_a_server_it_lists_and_opens_nothing(dataset: TrainedDataset) -> None:
    report = review(dataset.stack(), NAME, 50, False, untracked, offline=True, browse=True)
    assert report.suspects[0].key == "images/aria_3.png"
    assert (report.suspects[0].labels, report.suspects[0].suggested) == (("not_aria",), ("aria",))
    assert (report.round, report.url, report.opened, report.decisions) == (0, "", False, ())
    with pytest.raises(UsageError, match="--push needs Label Studio"):
        review(dataset.stack(), NAME, 50, True, untracked, offline=True)


def few(folder: Path, count: int, labels: dict[str, str]) -> str:
    """What is said of a dataset of so many images of each label, some with other labels."""
    made = TrainedDataset(folder, count)
    given = {name: [labels.get(name, label)] for name, label in made.labels.items()}
    store_labels(made.project, made.images, given)
    with pytest.raises(DataError) as error:
        review(made.stack("dataset.labels=[aria,not_aria,hat]"), NAME, 50, False, untracked, True)
    return error.value.message


def test_too_few_labels_are_counted_with_what_does_not_count(tmp_path: Path) -> None:
    said = few(tmp_path, 9, {"aria_0.png": "hat", "aria_1.png": "sock"})
    assert said.startswith(
        "a review needs at least 20 labelled images, those of the holdout included; there are 16;"
    )
    assert "1 with a label that no other image has (hat)" in said
    assert "1 with a label that is not in dataset.labels" in said


def test_images_that_all_have_the_same_label_cannot_be_compared(tmp_path: Path) -> None:
    made = {f"not_aria_{n}.png": "aria" for n in range(12)}
    assert few(tmp_path, 12, made) == ("a review compares labels, and all 24 images have the same")
