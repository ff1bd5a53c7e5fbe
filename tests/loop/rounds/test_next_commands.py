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
        self.answered: set[int] = set()  # rounds

    def type(self, command: str) -> str:
        """Run a command; the first one that it prints to be typed next."""
        words = shlex.split(command)[1:]
        opens = words[:2] == ["dataset", "launch"] or words == ["next"]
        if opens:
            words.append("--no-browser")
        said = self.project.printed(*words)[1].splitlines()
        if opens:
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
        for task in asked.query if asked.number not in self.answered else ():
            label = "not_aria" if "not_aria" in keys[task] else "aria"
            stack.studio.annotations.create(project.id, task, [label], 1.0)
        self.answered.add(asked.number)


def test_next_commands_lead_round_the_loop(project: Project, server: Server) -> None:
    person = Follower(project)
    write_patterns(project.folder / "b", NAMES)
    launch = f"dataset launch {shlex.quote(person.name)}"
    assert person.type("annoloop train") == "annoloop infer --batch FOLDER"
    followed = []
    command = "annoloop infer --batch b --query 8"
    for _ in range(4):
        command = person.type(command)
        followed.append(command.removeprefix("annoloop "))
    # As many as the last time; then no task is left.
    assert followed == [launch, "next", "next", "infer --batch FOLDER"]
    assert len(person.answered) == 2
    for again in ("annoloop stats", "annoloop train", "annoloop train --rerun", "annoloop sync"):
        assert person.type(again) == "annoloop infer --batch FOLDER", again
