"""Projects: found by title, changed, read."""

import pytest
from support.fake_label_studio import FakeLabelStudio

from annolooop.errors import DataError


def raw(number: int, title: str) -> dict[str, object]:
    return {"id": number, "created_at": "2026", "title": title, "label_config": "<View/>"}


def test_projects_of_all_pages_are_listed(fake: FakeLabelStudio) -> None:
    fake.answer("GET", "/api/projects", {"results": [raw(1, "a")], "next": "page=2"})
    fake.answer("GET", "/api/projects", {"results": [raw(2, "b")], "next": None})
    assert [one.id for one in fake.studio.projects.list()] == [1, 2]
    assert [request.query["page"] for request in fake.requests] == ["1", "2"]


def test_project_is_found_by_its_exact_title_only(fake: FakeLabelStudio) -> None:
    """The server finds titles that contain a text."""
    results = [raw(1, "cats and dogs"), raw(2, "cats")]
    fake.answer("GET", "/api/projects", {"results": results, "next": None})
    found = fake.studio.projects.find("cats")
    assert found
    assert found.id == 2
    assert fake.studio.projects.find("and") is None


def test_several_projects_of_one_title_are_named(fake: FakeLabelStudio) -> None:
    results = [raw(1, "cats"), raw(2, "cats")]
    fake.answer("GET", "/api/projects", {"results": results, "next": None})
    with pytest.raises(DataError, match="several projects called cats: 1 and 2"):
        fake.studio.projects.find("cats")


def test_project_that_is_not_there_is_none(fake: FakeLabelStudio) -> None:
    assert fake.studio.projects.get(3) is None


def test_counters_that_a_server_leaves_out_are_zero(fake: FakeLabelStudio, project: int) -> None:
    counts = fake.studio.projects.get(project)
    assert counts
    assert (counts.tasks, counts.labeled, counts.annotations, counts.skips) == (0, 0, 0, 0)
    assert counts.model_version == ""


def test_label_config_is_asked_for_once(fake: FakeLabelStudio, project: int) -> None:
    projects = fake.studio.projects
    assert projects.labelling(project) == projects.labelling(project)
    assert len(fake.requests) == 1


def test_label_config_that_asks_for_something_else_is_an_error(fake: FakeLabelStudio) -> None:
    fake.answer("GET", "/api/projects/8", raw(8, "boxes"))
    with pytest.raises(DataError, match="label config of the Label Studio project 8 does not fit"):
        fake.studio.projects.labelling(8)


def test_extended_labels_are_known_at_once(fake: FakeLabelStudio, project: int) -> None:
    projects = fake.studio.projects
    projects.labelling(project)
    fake.answer("PATCH", f"/api/projects/{project}", {})
    projects.change_labels(project, ["a", "b", "c"], "multiple")
    extended = projects.labelling(project)
    assert (extended.labels, extended.choice) == (("a", "b", "c"), "multiple")
    (body,) = fake.bodies("PATCH", f"/api/projects/{project}")
    assert 'value="c"' in body["label_config"]


def test_deleting_a_project_twice_is_no_error(fake: FakeLabelStudio) -> None:
    fake.studio.projects.delete(3)
    assert fake.requests[0].method == "DELETE"
