"""What is set up around a store, whichever cloud it is in."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from annolooop.storage.clouds.requirements import Requirements

NOTE = "setup.json"  # key of the note on what was made

Note = dict[str, Any]


class UnsupportedError(Exception):
    """This server, or these credentials, have no such thing; the text says why."""


@dataclass(frozen=True)
class Found:
    """The state of a part: ``detail`` says what is there, or what is to be done."""

    done: bool
    detail: str


class SetupPart(ABC):
    """One thing to set up. What fails raises the errors of the cloud's client."""

    name: ClassVar[str]
    right: ClassVar[str]
    """What an administrator has to allow for it."""

    @abstractmethod
    def look(self) -> Found:
        """How it is now.

        Raises:
            UnsupportedError: there is no such thing here.
        """

    @abstractmethod
    def make(self) -> Note | None:
        """Make it. Returns what to note, to be able to remove it; ``None`` for nothing.

        Raises:
            UnsupportedError: the server does not keep it.
        """

    def removes(self, note: Note) -> str:
        """What `remove` would remove; empty for nothing."""
        return ""

    def remove(self, note: Note) -> None:
        """Remove what was noted; no error if that is gone."""
        raise NotImplementedError(self.name)


class Administration(ABC):
    """Sets up what is around a store, and looks at it as strangers and browsers do.

    Attributes:
        failures: what its client raises.
        cli: name of its commands, for `setup --print`.
    """

    failures: ClassVar[tuple[type[Exception], ...]]
    cli: ClassVar[str]

    def __init__(self, required: Requirements) -> None:
        self.required = required

    @abstractmethod
    def parts(self) -> Sequence[SetupPart]:
        """In the order in which they are made; the bucket is the first."""

    @abstractmethod
    def explain(self, error: Exception) -> tuple[str, str]:
        """What an error means: a message, and a hint, which may be empty."""

    @abstractmethod
    def is_missing(self) -> bool:
        """Whether there is no such bucket."""

    @abstractmethod
    def signed(self, key: str, seconds: int) -> str:
        """An address with which anyone may read an object.

        Args:
            key: of the object in the bucket.

        Raises:
            UnsupportedError: these credentials cannot sign.
        """

    @abstractmethod
    def address(self, key: str) -> str:
        """Where an object is, for those without any credentials."""

    @abstractmethod
    def expires(self) -> datetime | None:
        """When the credentials end, if that is known."""

    @abstractmethod
    def count(self) -> int:
        """Objects in the bucket, of all prefixes; at most some thousand are counted."""

    @abstractmethod
    def remove_bucket(self) -> None:
        """Remove the bucket, which is empty."""

    @property
    @abstractmethod
    def removing(self) -> str:
        """Command of the cloud's own that removes the bucket with all that is in it."""


def merged(made: Mapping[str, Note], name: str, note: Note) -> dict[str, Note]:
    """What was made with one more part; lists of it are joined."""
    before = made.get(name, {})
    joined = {
        key: [*before[key], *value] if isinstance(value, list) and key in before else value
        for key, value in note.items()
    }
    return {**made, name: {**before, **joined}}
