"""Labels that may be wrong are found, shown, and not asked about again once confirmed."""

from typing import Any

from support.trained_loop import TrainedLoop

from annolooop.domain.progress import untracked
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
