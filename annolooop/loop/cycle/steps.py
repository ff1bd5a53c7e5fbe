"""Commands that run one after the other, each as if it had been typed."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


class Steps:
    """Says what each step does and which command it is; where one fails, also what is left.

    Args:
        commands: in order, as one would type them; empty for a step that is none.
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
        command = f"  (= {self._commands[at]})" if self._commands[at] else ""
        self._say(f"{at + 1}/{len(self._commands)} {what}{command}")
        try:
            yield
        except BaseException:  # also Ctrl-C
            left = ", then: ".join(command for command in self._commands[at:] if command)
            self._say(f"left to do: {left}")
            self._say(f"All of it, with the same command again: {self._again}")
            raise
        self.seconds[what] = round(time.monotonic() - begun, 2)
