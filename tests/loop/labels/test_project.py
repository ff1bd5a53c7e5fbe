"""The dataset's project in Label Studio: found, made once, and fit for the dataset's labels."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.fake_studio import FakeStudio, fake_stack
from support.project import LABELS, write_photos
from support.records import draft

from annolooop.errors import ConfigError, DataError
from annolooop.labelstudio.api.connection import Rejected
from annolooop.labelstudio.label_page import LabelPage
from annolooop.loop.labels.project import (
    advice,
    ensure_project,
    find_project,
    label_page,
    lookup_project,
    noted_project,
    project_fits,
)
from annolooop.stack import Stack
from annolooop.storage import intents
from annolooop.storage.intents import Intent


@pytest.fixture
def studio() -> FakeStudio:
    return FakeStudio()


@pytest.fixture
def stack(tmp_path: Path, studio: FakeStudio) -> Stack:
    return fake_stack(tmp_path, studio)


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intents, "SECONDS_OF_QUIET", 0.1)
    monkeypatch.setattr(intents, "SECONDS_BETWEEN_LOOKS", 0.01)


def test_project_is_made_where_there_is_none(stack: Stack, studio: FakeStudio) -> None:
    project = ensure_project(stack)
    assert studio.projects.list() == [project]
    assert noted_project(stack, "cats") == project.identity
    assert stack.image_source.connected(stack.studio, project.id)


def test_second_command_makes_none(stack: Stack, studio: FakeStudio) -> None:
    assert ensure_project(stack) == ensure_project(stack)
    assert studio.wrote == [("create", "cats")]


def test_project_of_the_same_title_is_taken(stack: Stack, studio: FakeStudio) -> None:
    there = studio.add_project("cats")
    assert ensure_project(stack) == there
    assert noted_project(stack, "cats") == there.identity


def test_project_that_people_renamed_stays_the_datasets(stack: Stack, studio: FakeStudio) -> None:
    made = ensure_project(stack)
    studio.projects.rename(made.id, "our cats")
    found = lookup_project(stack, "cats")
    assert found
    assert found.id == made.id


def test_noted_number_on_a_fresh_server_is_not_believed(stack: Stack, studio: FakeStudio) -> None:
    """Numbers begin anew there."""
    ensure_project(stack)
    studio.known.clear()
    other = studio.add_project("dogs")
    studio.known[1] = (other.__class__(1, "later", "dogs", 0, 0, 0, 0, ""), studio.known[1][1])
    assert lookup_project(stack, "cats") is None


@pytest.mark.parametrize("body", [b"", b"{}", b"5", b'{"identity": 5}', b'{"identity": "then"}'])
def test_damaged_note_of_the_project_is_named(stack: Stack, body: bytes) -> None:
    stack.store.put("datasets/cats/project.json", body)
    with pytest.raises(DataError, match=r"datasets/cats/project\.json in .* is damaged"):
        lookup_project(stack, "cats")


@pytest.mark.usefixtures("short_wait")
def test_project_whose_maker_died_is_waited_for(stack: Stack, studio: FakeStudio) -> None:
    making: Intent[bool] = Intent(stack.store, "cats", "making", bool)
    making.write(True)
    looks: list[int] = []

    def appear() -> None:
        looks.append(1)
        if len(looks) == 4:
            studio.add_project("cats")

    studio.appear = appear
    project = ensure_project(stack)
    assert studio.wrote == []
    assert project.title == "cats"
    assert not making.exists()


@pytest.mark.usefixtures("short_wait")
def test_project_that_never_came_is_made(stack: Stack, studio: FakeStudio) -> None:
    Intent[bool](stack.store, "cats", "making", bool).write(True)
    ensure_project(stack)
    assert studio.wrote == [("create", "cats")]


def test_missing_labels_are_added(stack: Stack, studio: FakeStudio) -> None:
    project = studio.add_project("cats", LABELS[:1])
    assert not project_fits(stack, project)
    ensure_project(stack)
    assert studio.projects.labelling(project.id).labels == tuple(LABELS)


@pytest.mark.parametrize(
    ("label", "written"),
    [("zebra", "zebra"), ("grey zebra", "grey zebra"), ("yes", '"yes"'), ("a: b", '"a: b"')],
)
def test_label_that_people_added_stops_nothing_and_is_named_as_yaml_has_it(
    stack: Stack, studio: FakeStudio, label: str, written: str
) -> None:
    project = studio.add_project("cats", [*LABELS, label])
    assert ensure_project(stack) == project
    assert studio.projects.labelling(project.id).labels == (*LABELS, label)
    (line,) = advice(stack, project)
    assert line.startswith(f"Label Studio offers {label!r}, which dataset.labels does not have")
    assert line.endswith(f"To use it: dataset.labels: [{', '.join(LABELS)}, {written}]")


def register(stack: Stack, *labels: str) -> None:
    stack.registry.register(draft(dataset="cats", labels=labels), b"head")
    stack.registry.promote(stack.registry.version(1), "now", "me")


def test_labels_that_the_dataset_has_no_more_go_while_nothing_is_annotated(
    stack: Stack, studio: FakeStudio
) -> None:
    project = studio.add_project("cats", ["hat", "cap", "theirs"])
    register(stack, "hat", "cap")
    ensure_project(stack)
    assert studio.projects.labelling(project.id).labels == ("theirs", *LABELS)


def test_labels_stay_once_somebody_has_annotated(stack: Stack, studio: FakeStudio) -> None:
    project = studio.add_project("cats", ["hat", *LABELS])
    studio.known[project.id] = (replace(project, annotations=1), studio.known[project.id][1])
    register(stack, "hat", *LABELS)
    ensure_project(stack)
    assert studio.projects.labelling(project.id).labels == ("hat", *LABELS)


def test_labels_that_an_unfinished_answer_has_stay(
    stack: Stack, studio: FakeStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = studio.add_project("cats", ["hat"])
    register(stack, "hat")
    change = studio.projects.change_labels

    def refuse(
        number: int, labels: list[str], choice: str, without: tuple[str, ...], page: LabelPage
    ) -> None:
        if without:
            raise Rejected("a draft has it")
        change(number, labels, choice)

    monkeypatch.setattr(studio.projects, "change_labels", refuse)
    ensure_project(stack)
    assert studio.projects.labelling(project.id).labels == ("hat", *LABELS)


def test_other_answers_are_offered_and_are_not_strange(tmp_path: Path, studio: FakeStudio) -> None:
    dataset = {"name": "cats", "labels": LABELS, "other_answers": ["unsure"]}
    stack = fake_stack(tmp_path, studio, dataset=dataset)
    project = studio.add_project("cats")
    ensure_project(stack)
    assert studio.projects.labelling(project.id).labels == (*LABELS, "unsure")
    assert advice(stack, project) == ()


def test_our_project_is_made_to_ask_for_an_answer(stack: Stack, studio: FakeStudio) -> None:
    project = studio.add_project("cats", required=False, own=True)
    assert not project_fits(stack, project)
    ensure_project(stack)
    assert studio.projects.labelling(project.id).required


def test_project_that_people_made_is_left_and_they_are_told(
    stack: Stack, studio: FakeStudio
) -> None:
    project = studio.add_project("cats", required=False)
    ensure_project(stack)
    assert not studio.projects.labelling(project.id).required
    (line,) = advice(stack, project)
    assert line.endswith('write required="true" into <Choices name="label">.')


def test_project_with_several_choices_does_not_become_one_with_a_single_one(
    stack: Stack, studio: FakeStudio
) -> None:
    studio.add_project("cats", choice="multiple")
    with pytest.raises(DataError, match="people may choose several") as caught:
        ensure_project(stack)
    assert "dataset.choice: multiple" in caught.value.hint


def test_project_that_is_not_there_is_named_with_those_that_are_close(
    stack: Stack, studio: FakeStudio
) -> None:
    studio.add_project("cat")
    with pytest.raises(DataError, match=r"no project for the dataset cats.*cat"):
        find_project(stack, "cats")


def test_nobody_holds_the_lock_where_nothing_is_missing(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_project(stack)
    refuse: Callable[..., None] = lambda *given: pytest.fail("it waits for others")  # noqa: E731
    monkeypatch.setattr(stack, "lock", refuse)
    ensure_project(stack)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("store:images/none.jpg", "the store has no images/none.jpg"),
        ("words.jpg", "words.jpg cannot be shown"),
    ],
)
def test_example_that_cannot_be_shown_is_named(
    tmp_path: Path, studio: FakeStudio, place: str, message: str
) -> None:
    (tmp_path / "words.jpg").write_text("words")
    dataset = {"name": "cats", "labels": LABELS, "examples": {"aria": place}}
    stack = fake_stack(tmp_path, studio, dataset=dataset)
    with pytest.raises(ConfigError, match=f"dataset.examples: {message}"):
        label_page(stack).beside("aria")


def test_examples_are_files_and_keys_of_the_store(tmp_path: Path, studio: FakeStudio) -> None:
    write_photos(tmp_path, ["aria.jpg", "not_aria.jpg"])
    places = {"aria": "aria.jpg", "not_aria": "store:images/x.jpg"}
    dataset = {"name": "cats", "labels": LABELS, "examples": places, "hints": {"aria": "her"}}
    stack = fake_stack(tmp_path, studio, dataset=dataset)
    stack.store.put("images/x.jpg", (tmp_path / "not_aria.jpg").read_bytes())
    for label in LABELS:
        assert "data:image/webp;base64,UklGR" in label_page(stack).beside(label)
