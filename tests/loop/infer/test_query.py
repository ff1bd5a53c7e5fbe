"""Choosing what people are asked next, and the order in which they are asked."""

import pytest
from support.annotators import Person, sign_up, write_patterns
from support.project import Project

from annolooop.commands.infer import make_query
from annolooop.domain.split import split_of
from annolooop.errors import UsageError
from annolooop.loop.rounds.queue import rounds_of

NAMES = [f"{kind}{n}.png" for n in range(12) for kind in ("aria", "not_aria")]


def test_two_people_answer_a_round_in_its_order_and_the_next_round_asks_others(
    project: Project,
) -> None:
    write_patterns(project.folder / "b", NAMES)
    project.json("train")
    told = project.json("infer", "--batch", "b", "--query", "8", "--overlap", "0.3")
    query, stack = told["query"], project.stack()
    name, studio = stack.config.dataset.name, stack.studio
    first = rounds_of(stack, name).latest()
    assert first
    assert (query["asked"], query["left"]) == (8, 16)
    assert query["holdout"] == len(first.holdout) == 2
    hashes = {t.id: t.sha256 for t in studio.tasks.list(studio.projects.find(name).id)}
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
            project_id = studio.projects.find(name).id
            person.studio.annotations.create(project_id, task, ["aria"], 1.0)
            if len(served) == 1:
                half = project.json("dataset", "launch", name, "--no-browser")
                assert (half["left"], half["waiting"]) == (7, 1)
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
    assert (done["round"], done["left"], done["waiting"]) == (1, 0, 0)
    assert "tab=" not in done["url"]
    again = project.json("infer", "--query", "5", "--strategy", "random")
    second = rounds_of(project.stack(), name).latest()
    assert second
    assert second.number == again["query"]["round"] == 2
    assert not set(second.query) & set(first.query)
    assert again["query"]["used"] == "random"
    assert one.next_in(again["url"]) == second.query[0]

    # A query that is killed once its round is noted leaves the queue as it was, and says so.
    stack = project.stack()
    rounds = rounds_of(stack, name)
    rounds.append(rounds.read(2))
    torn = project.json("dataset", "launch", name, "--no-browser")
    assert (torn["round"], torn["left"], torn["interrupted"]) == (2, 5, 3)
    assert torn["url"] == again["url"]
    rest = project.json("infer", "--query", "1000")["query"]
    assert (rest["round"], rest["asked"], rest["left"]) == (4, 16, 0)
    whole = project.json("dataset", "launch", name, "--no-browser")
    assert (whole["round"], whole["interrupted"]) == (4, 0)

    # Where the model has seen few images only, the others are told of.
    for item in list(stack.store.walk("embeddings")):
        stack.store.delete(item.key)
    left = sorted(set(second.query) - set(first.query))
    key = next(t.key for t in studio.tasks.list(project_id) if t.id == left[0])
    few = project.json("infer", "--batch", f"b/{key.split('/')[-1]}", "--query", "9")["query"]
    assert (few["asked"], few["unseen"]) == (1, 15)


def test_what_cannot_be_asked_is_refused(project: Project) -> None:
    refused = project.run("infer", "--query", "3", "--no-push", code=2).stderr
    assert "Leave out one of the two: --query or --no-push" in refused
    with pytest.raises(UsageError, match="margin"):
        make_query(3, "margni", None)
    with pytest.raises(UsageError, match="--overlap needs --query"):
        make_query(None, None, 0.1)
