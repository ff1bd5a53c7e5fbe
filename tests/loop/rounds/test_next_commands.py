"""Whoever types the next command goes round the loop, and is never sent in a circle."""

import shlex

from support.annotators import write_patterns
from support.project import Project, Server

from annolooop.loop.rounds.queue import rounds_of

NAMES = [f"{kind}{n}.png" for n in range(8) for kind in ("aria", "not_aria")]


class Follower:
    """Types what is printed. Where that opens the tasks, people answer those of the last round."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.name = project.stack().config.dataset.name

    def type(self, command: str) -> str:
        """Run a command; the first one that it prints to be typed next."""
        words = shlex.split(command)[1:]
        if words[:2] == ["dataset", "launch"]:
            words.append("--no-browser")
        said = self.project.printed(*words)[1].splitlines()
        if words[:2] == ["dataset", "launch"]:
            self.answer()
        line = next(line for line in said if line.startswith("next: "))
        return line.removeprefix("next: ").partition("  ")[0]

    def answer(self) -> None:
        stack = self.project.stack()
        asked = rounds_of(stack, self.name).latest()
        project = stack.studio.projects.find(self.name)
        assert asked
        assert project
        keys = {task.id: task.key for task in stack.studio.tasks.list(project.id)}
        for task in asked.query:
            label = "not_aria" if "not_aria" in keys[task] else "aria"
            stack.studio.annotations.create(project.id, task, [label], 1.0)


def test_next_commands_lead_round_the_loop(project: Project, server: Server) -> None:
    person = Follower(project)
    write_patterns(project.folder / "b", NAMES)
    launch, stats = f"dataset launch {shlex.quote(person.name)}", "dataset stats"
    assert person.type("annoloop train") == "annoloop infer --batch FOLDER"
    followed = []
    command = "annoloop infer --batch b --query 8"
    for _ in range(8):
        command = person.type(command)
        followed.append(command.removeprefix("annoloop "))
    round_ = [launch, f"{stats} {shlex.quote(person.name)}", "train --rerun"]
    assert followed == [
        *round_,
        "infer --rerun --query 8",  # as many as the last time
        *round_,
        "infer --batch FOLDER",  # no task is left
    ]
    for again in ("annoloop stats", "annoloop train", "annoloop train --rerun", "annoloop sync"):
        assert person.type(again) == "annoloop infer --batch FOLDER", again
