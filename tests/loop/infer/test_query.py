"""Choosing what people are asked next: shares, following rounds, what is refused."""

from typing import Any

import pytest
from support.annotators import write_patterns
from support.project import Project, Server, on_server

from annolooop.commands.infer import make_query
from annolooop.domain.progress import untracked
from annolooop.domain.rounds import Round
from annolooop.domain.split import split_of
from annolooop.errors import UsageError
from annolooop.loop.rounds.queue import rounds_of
from annolooop.loop.train.train import train

NAMES = [f"{kind}{n}.png" for n in range(12) for kind in ("aria", "not_aria")]


class Asked:
    """A project with 24 tasks, of which a first round asks eight.

    Attributes:
        told: report of `infer`.
        first: the round.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        write_patterns(project.folder / "b", NAMES)
        train(project.stack(), False, untracked)
        self.told = project.json("infer", "--batch", "b", "--query", "8", "--overlap", "0.3")
        stack = project.stack()
        self.name = stack.config.dataset.name
        self.first = self.newest()
        found = stack.studio.projects.find(self.name)
        assert found
        self.id = found.id

    def newest(self) -> Round:
        found = rounds_of(self.project.stack(), self.name).latest()
        assert found
        return found

    def launch(self) -> dict[str, Any]:
        return self.project.json("dataset", "launch", "--no-browser")

    def answer(self, round_: Round) -> None:
        """Answer all of a round, each task once."""
        studio = self.project.stack().studio
        for task in round_.query:
            studio.annotations.create(self.id, task, ["aria"], 1.0)


@pytest.fixture(scope="module")
def asked(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """One that is only looked at."""
    return Asked(on_server(tmp_path_factory.mktemp("asked"), server, "asked"))


@pytest.fixture
def answered(project: Project) -> Asked:
    """One whose first round was answered."""
    made = Asked(project)
    made.answer(made.first)
    return made


def test_round_has_as_many_tasks_as_were_asked_for(asked: Asked) -> None:
    query = asked.told["query"]
    assert (query["asked"], query["left"], len(asked.first.query)) == (8, 16, 8)


def test_holdout_has_its_share_of_a_round(asked: Asked) -> None:
    studio = asked.project.stack().studio
    hashes = {task.id: task.sha256 for task in studio.tasks.list(asked.id)}
    splits = {task: split_of(hashes[task], 0.3) for task in asked.first.query}
    held = {task for task, split in splits.items() if split == "holdout"}
    assert held == set(asked.first.holdout)
    assert asked.told["query"]["holdout"] == len(held) == 2


def test_share_of_a_round_is_for_two_people(asked: Asked) -> None:
    assert 0 < len(asked.first.twice) < 8
    assert asked.told["query"]["twice"] == len(asked.first.twice)


def test_launch_leads_to_the_queue(asked: Asked) -> None:
    launch = asked.launch()
    assert (launch["round"], launch["asked"], launch["left"]) == (1, 8, 8)
    assert launch["url"] == asked.told["url"]


def test_next_round_asks_others(answered: Asked) -> None:
    again = answered.project.json("infer", "--query", "5", "--strategy", "random")
    second = answered.newest()
    assert second.number == again["query"]["round"] == 2
    assert again["query"]["used"] == "random"
    assert not set(second.query) & set(answered.first.query)


def test_last_round_asks_what_is_left(answered: Asked) -> None:
    rest = answered.project.json("infer", "--query", "1000")["query"]
    assert (rest["asked"], rest["left"]) == (16, 0)


def test_query_that_was_killed_once_its_round_was_noted_leaves_the_queue(answered: Asked) -> None:
    again = answered.project.json("infer", "--query", "5")
    rounds = rounds_of(answered.project.stack(), answered.name)
    rounds.append(rounds.read(2))
    torn = answered.launch()
    assert (torn["round"], torn["left"], torn["interrupted"]) == (2, 5, 3)
    assert torn["url"] == again["url"]
    whole = answered.project.json("infer", "--query", "3")["query"]
    assert whole["round"] == 4
    assert (answered.launch()["round"], answered.launch()["interrupted"]) == (4, 0)


def test_images_that_the_model_has_not_seen_are_counted(answered: Asked) -> None:
    stack = answered.project.stack()
    for item in list(stack.store.walk("embeddings")):
        stack.store.delete(item.key)
    tasks = {task.id: task.key for task in stack.studio.tasks.list(answered.id)}
    left = min(tasks.keys() - set(answered.first.query))
    batch = f"b/{tasks[left].rpartition('/')[2]}"
    few = answered.project.json("infer", "--batch", batch, "--query", "9")["query"]
    assert (few["asked"], few["unseen"]) == (1, 15)


def test_query_without_push_is_refused(project: Project) -> None:
    refused = project.run("infer", "--query", "3", "--no-push", code=2).stderr
    assert "Leave out one of the two: --query or --no-push" in refused


def test_unknown_strategy_names_a_close_one() -> None:
    with pytest.raises(UsageError, match="margin"):
        make_query(3, "margni", None)


def test_overlap_without_a_query_is_refused() -> None:
    with pytest.raises(UsageError, match="--overlap needs --query"):
        make_query(None, None, 0.1)
