"""Two people answer a round at the same time, as browsers ask for its tasks."""

from typing import Any

from support.annotators import Person, sign_up, write_patterns
from support.project import Project

from annolooop.domain.rounds import Round
from annolooop.loop.rounds.queue import rounds_of

NAMES = [f"{kind}{n}.png" for n in range(12) for kind in ("aria", "not_aria")]


def launch(project: Project) -> dict[str, Any]:
    name = project.stack().config.dataset.name
    return project.json("dataset", "launch", name, "--no-browser")


def serve(project: Project, people: tuple[Person, ...], url: str) -> list[tuple[Person, int]]:
    """Each answers in turn what the server gives them; who got which task, in this order."""
    found = project.stack().studio.projects.find(project.stack().config.dataset.name)
    assert found
    served: list[tuple[Person, int]] = []
    opened = {person: person.next_in(url) for person in people}
    while any(opened.values()):
        for person in people:
            if (task := opened[person]) is None:
                continue
            served.append((person, task))
            person.studio.annotations.create(found.id, task, ["aria"], 1.0)
            if len(served) == 1:
                half = launch(project)
                assert (half["left"], half["waiting"]) == (7, 1)
            opened[person] = person.next_in(url)
    return served


def in_order(asked: Round) -> list[int]:
    """Tasks for two people come first."""
    twice = [task for task in asked.query if task in asked.twice]
    return [*twice, *(task for task in asked.query if task not in asked.twice)]


def test_two_people_answer_a_round_in_its_order_and_the_next_one_is_served(
    project: Project,
) -> None:
    write_patterns(project.folder / "b", NAMES)
    project.json("train")
    url = project.json("infer", "--batch", "b", "--query", "8", "--overlap", "0.3")["url"]
    studio, name = project.stack().studio, project.stack().config.dataset.name
    first = rounds_of(project.stack(), name).latest()
    assert first
    people = (Person("", studio), sign_up(studio, f"{name[4:]}@example.org"))
    served = serve(project, people, url)
    # Both get the same of the tasks for two people, and never the same of others.
    for person in people:
        mine = [task for who, task in served if who is person]
        assert mine == sorted(mine, key=in_order(first).index)
    # Only when nothing else is left, someone is served what another has open.
    tasks, expected = [task for _, task in served], sorted([*first.query, *first.twice])
    assert sorted(tasks[: len(expected)]) == expected
    assert len(tasks) <= len(expected) + 1

    done = launch(project)
    assert (done["round"], done["left"], done["waiting"]) == (1, 0, 0)
    assert "tab=" not in done["url"]
    again = project.json("infer", "--query", "5", "--strategy", "random")
    second = rounds_of(project.stack(), name).latest()
    assert second
    assert people[0].next_in(again["url"]) == second.query[0]
