"""What was accepted is deleted again, except what people changed."""

import pytest
from support.trained_loop import TrainedLoop

from annolooop.domain.annotations import Annotation
from annolooop.domain.progress import untracked
from annolooop.loop.quality.undo import undo_accept


def other(label: str) -> str:
    return "aria" if label == "not_aria" else "not_aria"


def test_undo_deletes_all_but_what_a_person_changed(
    loop: TrainedLoop, accepted: list[Annotation]
) -> None:
    corrected, beside, *_ = accepted
    loop.change(corrected.id, other(corrected.labels[0]))
    answer = other(beside.labels[0])
    loop.stack().studio.annotations.create(loop.id, beside.task, [answer], 1.0)
    counted = undo_accept(loop.stack(), "v2", False, untracked)
    assert (counted.withdrawn, counted.exit_code) == (len(accepted) - 1, 2)
    done = undo_accept(loop.stack(), "v2", True, untracked)
    assert (done.withdrawn, done.kept) == (len(accepted) - 1, 0)
    assert not loop.accepted()
    left = {a.task: a for a in loop.annotations()}
    assert left[corrected.task].labels == (other(corrected.labels[0]),)
    assert left[corrected.task].annotator is not None
    assert left[beside.task].labels == (answer,)
    assert len(left) == len(loop.labelled) + 2


def test_a_copy_of_an_accepted_annotation_is_the_persons_own(
    loop: TrainedLoop, accepted: list[Annotation]
) -> None:
    source = accepted[0]
    wrong = other(source.labels[0])
    loop.change(source.id, wrong)  # a model's score is in it still
    annotated = {a.task for a in loop.annotations()}
    to = next(task.id for task in loop.open if task.id not in annotated)
    chosen = {"all": False, "included": [to]}
    body = {"source_annotation_id": source.id, "selectedItems": chosen}
    action = {"id": "propagate_annotations", "project": loop.id}
    loop.stack().studio.connection.post("/api/dm/actions", body, action)
    copy = next(a for a in loop.annotations() if a.task == to)
    assert (copy.labels, copy.accepted) == ((wrong,), "")


def test_people_who_annotate_do_not_hold_up_the_wait_for_an_interrupted_request(
    loop: TrainedLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annolooop.storage.intents.SECONDS_OF_QUIET", 600)
    monkeypatch.setattr("annolooop.loop.quality.accept.SECONDS_TO_WAIT", 0.5)
    loop.stack().store.put(f"datasets/{loop.name}/accepting.json", b"{}")
    assert undo_accept(loop.stack(), "v2", True, untracked).withdrawn == 0
