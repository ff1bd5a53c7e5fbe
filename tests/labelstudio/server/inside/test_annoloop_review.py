"""The stream and the list of the tab of labels that may be wrong, on a real server."""

from dataclasses import dataclass
from typing import Any

import pytest
from support.annotators import sign_up, write_patterns
from support.project import LABELS, Project

from annolooop.labelstudio.api.connection import NotFound
from annolooop.labelstudio.api.data_manager import condition
from annolooop.loop.labels.current import Labels, read_labels
from annolooop.loop.quality.review_records import LOOKS, Suspect
from annolooop.loop.quality.review_tab import open_review

STREAM = "/api/dm/actions"


@dataclass
class Opened:
    """A review of four answered pictures, the last ones first."""

    project: Project
    id: int
    tab: int
    tasks: tuple[int, ...]
    annotations: tuple[int, ...]

    def next(self) -> dict[str, Any]:
        """What the page gets that asks for the next task."""
        about = {"id": "next_task", "tabID": self.tab, "project": self.id}
        found: dict[str, Any] = self.project.stack().studio.connection.post(STREAM, {}, about)
        return found

    def answer(self, annotation: int, label: str) -> None:
        value = {"choices": [label]}
        item = {"from_name": "label", "to_name": "image", "type": "choices", "value": value}
        self.project.stack().studio.annotations.change(annotation, {"result": [item]})


def suspects_of(labels: Labels) -> list[Suspect]:
    answers = sorted(labels.snapshot.annotations, key=lambda a: -a.task)
    return [
        Suspect(a.task, a.id, a.key, a.sha256, a.labels, ("not_aria",), 0.1, LOOKS, "")
        for a in answers
    ]


@pytest.fixture
def opened(project: Project) -> Opened:
    write_patterns(project.folder / "b", [f"picture{n}.png" for n in range(4)])
    project.json("train")
    project.json("infer", "--batch", "b")
    stack = project.stack()
    name = stack.config.dataset.name
    found = stack.studio.projects.find(name)
    assert found
    for task in stack.studio.tasks.list(found.id):
        stack.studio.annotations.create(found.id, task.id, ["aria"], 1.0)
    labels = read_labels(stack, name, offline=False)
    suspects = suspects_of(labels)
    number, url = open_review(stack, labels, suspects)
    assert number == 1
    tab = int(url.split("tab=")[1].split("&")[0])
    tasks, annotations = zip(*((s.task, s.annotation) for s in suspects), strict=True)
    return Opened(project, found.id, tab, tasks, annotations)


def test_stream_opens_each_answer_in_the_order_of_the_review_until_it_is_given_again(
    opened: Opened,
) -> None:
    for task, annotation, label in zip(
        opened.tasks, opened.annotations, (*LABELS, *LABELS), strict=True
    ):
        for _ in range(2):  # the page may ask twice
            found = opened.next()
            assert (found["id"], found["default_selected_annotation"]) == (task, annotation)
        assert [one["id"] for one in found["annotations"]] == [annotation]
        assert found["data"]["annoloop_review"] == "aria? It looks like not_aria"
        opened.answer(annotation, label)
    with pytest.raises(NotFound):
        opened.next()


def test_what_changes_in_a_task_besides_its_answers_does_not_count_as_an_answer(
    opened: Opened,
) -> None:
    opened.project.stack().studio.tasks.update_data(opened.tasks[0], note="changed")
    assert opened.next()["id"] == opened.tasks[0]


def test_answer_that_is_asked_about_is_opened_and_not_a_later_one(opened: Opened) -> None:
    """Of an image that several people answered about; the one that was looked at settles it."""
    task, annotation = opened.tasks[0], opened.annotations[0]
    assert opened.next()["data"]["annoloop_settles"] is False
    stack = opened.project.stack()
    stack.studio.annotations.create(opened.id, task, ["not_aria"], 1.0)
    labels = read_labels(stack, stack.config.dataset.name, offline=False)
    open_review(stack, labels, [one for one in suspects_of(labels) if one.annotation == annotation])
    found = opened.next()
    assert (found["id"], found["default_selected_annotation"]) == (task, annotation)
    assert found["data"]["annoloop_settles"] is True


def test_two_people_at_once_look_at_different_images(opened: Opened) -> None:
    other = sign_up(opened.project.stack().studio, f"reviewer.{opened.id}@example.org")
    about = {"id": "next_task", "tabID": opened.tab, "project": opened.id}
    first, second, *_ = opened.tasks
    assert opened.next()["id"] == first
    assert other.studio.connection.post(STREAM, {}, about)["id"] == second
    assert opened.next()["id"] == first


def test_list_has_labels_and_reasons_in_words_and_other_lists_are_left_alone(
    opened: Opened,
) -> None:
    connection = opened.project.stack().studio.connection

    def listed(tab: int) -> list[tuple[str, str]]:
        page = connection.get("/api/tasks", {"view": tab, "project": opened.id, "page_size": 30})
        return [(t["annotations_results"], t["data"]["review"]) for t in page["tasks"]]

    assert listed(opened.tab) == [("aria", "aria? It looks like not_aria")] * 4
    mine = opened.project.stack().studio.views.put(
        opened.id, "mine", [], [], columns={"annotations_results": 100}
    )
    assert all("choices: [aria]" in labels for labels, _ in listed(mine))
    assert all(why.startswith("r0001-0000") for _, why in listed(mine))


def test_without_its_condition_the_tab_has_no_stream(opened: Opened) -> None:
    """People may take it away: without it, nobody knows which answers are new."""
    shows = condition("data.review", "contains", "String", "r0001-")
    studio = opened.project.stack().studio
    studio.views.put(opened.id, "annoloop: review", [shows], ["tasks:data.review"])
    with pytest.raises(NotFound):
        opened.next()
