"""Commands that run one after the other, each as if it had been typed."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from annolooop.loop.labels.project import lookup_project
from annolooop.loop.rounds.queue import Queue, find_queue
from annolooop.stack import Stack


class Steps:
    """Says what each step does and which command it is; where one fails, also what is left.

    Args:
        commands: in order, as one would type them.
        again: the command that runs them all, and does what is left.
        say: shows lines.

    Attributes:
        seconds: what each took so far.
    """

    def __init__(self, commands: Sequence[str], again: str, say: Callable[[str], None]) -> None:
        self._commands = commands
        self._again = again
        self._say = say
        self._begun = 0
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """The next step.

        Args:
            what: it does, in a few words.
        """
        at, begun = self._begun, time.monotonic()
        self._begun += 1
        self._say(f"{at + 1}/{len(self._commands)} {what}  (= {self._commands[at]})")
        try:
            yield
        except BaseException:  # also Ctrl-C
            left = ", then: ".join(self._commands[at:])
            self._say(f"left to do: {left}")
            self._say(f"All of it, with the same command again: {self._again}")
            raise
        self.seconds[what] = round(time.monotonic() - begun, 2)


def own_queue(stack: Stack) -> Queue:
    """The queue of the stack's dataset; an empty one where there is no project yet."""
    name = stack.config.dataset.name
    project = lookup_project(stack, name)
    return find_queue(stack, name, project) if project else Queue("")
