"""Choosing what people are asked next, and the order in which they are asked."""

from conftest import Project, write_photos
from people import Person, sign_up

from annolooop.loop.queue import newest_round
from annolooop.storage.dataset import split_of

NAMES = [f"{kind}{n}.jpg" for n in range(12) for kind in ("aria", "not_aria")]


def test_two_people_answer_a_round_in_its_order_and_the_next_round_asks_others(
    project: Project,
) -> None:
    write_photos(project.folder / "b", NAMES)
    project.json("train")
    told = project.json("infer", "--batch", "b", "--query", "8", "--overlap", "0.3")
    query, stack = told["query"], project.stack()
    name, studio = stack.config.dataset.name, stack.studio
    first = newest_round(stack, name)
    assert first
    assert (query["asked"], query["left"]) == (8, 16)
    assert query["holdout"] == len(first.holdout) == 2
    hashes = {t.id: t.sha256 for t in studio.tasks(studio.find_project(name).id)}
    sides = {task: split_of(hashes[task], 0.3) for task in first.query}
    assert {task for task, side in sides.items() if side == "holdout"} == set(first.holdout)
    assert first.twice, "a share of 0.3 of these pictures"
    launch = project.json("dataset", "launch", name, "--no-browser")
    assert (launch["round"], launch["asked"], launch["left"]) == (1, 8, 8)
    assert launch["url"] == told["url"]

    # Those for two people come first; both get the same of these, and never the same of others.
    one, other = Person("", studio), sign_up(studio, f"{name[4:]}@example.org")
    order = [t for t in first.query if t in first.twice]
    order += [t for t in first.query if t not in first.twice]
    served: list[tuple[Person, int]] = []
    open_: dict[Person, int] = {}
    for person in (one, other):
        task = person.next_in(told["url"])
        assert task
        open_[person] = task
    while open_:
        for person in (one, other):
            if person not in open_:
                continue
            task = open_.pop(person)
            served.append((person, task))
            project_id = studio.find_project(name).id
            person.studio.annotate(project_id, task, ["aria"], 1.0)
            following = person.next_in(told["url"])
            if following:
                open_[person] = following
    for person in (one, other):
        mine = [task for who, task in served if who is person]
        assert mine == sorted(mine, key=order.index)
    # Only when nothing else is left, someone is served what another has open.
    tasks = [task for _, task in served]
    wanted = sorted([*first.query, *first.twice])
    assert sorted(tasks[: len(wanted)]) == wanted
    assert len(tasks) <= len(wanted) + 1

    done = project.json("dataset", "launch", name, "--no-browser")
    assert (done["round"], done["left"]) == (1, 0)
    assert "tab=" not in done["url"]
    again = project.json("infer", "--query", "5", "--strategy", "random")
    second = newest_round(project.stack(), name)
    assert second and second.number == again["query"]["round"] == 2
    assert not set(second.query) & set(first.query)
    assert again["query"]["used"] == "random"
    assert one.next_in(again["url"]) == second.query[0]
    rest = project.json("infer", "--query", "1000")["query"]
    assert (rest["asked"], rest["left"]) == (16, 0)
    assert "--no-push" in project.run("infer", "--query", "3", "--no-push", code=2).stderr
    assert "margin" in project.run("infer", "--query", "3", "--strategy", "margni", code=2).stderr
