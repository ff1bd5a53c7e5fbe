"""Make what a store needs around it: the bucket, its CORS rules, a key's rights."""

from dataclasses import dataclass
from typing import Annotated, Any

from annolooop.config.references import MASK
from annolooop.domain.progress import PENDING
from annolooop.errors import AnnoloopError, ConfigError, UsageError
from annolooop.files.whole import make_folder
from annolooop.stack import Stack
from annolooop.storage.clouds.provisioning import (
    NOTE,
    Administration,
    SetupPart,
    UnsupportedError,
    merged,
)
from annolooop.storage.records import Document, check_of


@dataclass(frozen=True)
class SetupStep:
    """One part of what a store needs around it.

    ``status`` is ``ok`` (nothing to do), ``todo``, ``done``, ``skip`` (there is no such thing
    here), ``kept`` (it stays), or ``cannot``, with the exit code in ``code``.
    """

    name: str
    status: str
    detail: str
    fix: str = ""
    code: int = 0


@dataclass(frozen=True)
class SetupReport:
    """What `storage setup` saw and made. ``applied`` is False for a plan."""

    store: str
    steps: tuple[SetupStep, ...]
    applied: bool

    @property
    def pending(self) -> bool:
        """There is something to do."""
        return any(step.status == "todo" for step in self.steps)

    @property
    def exit_code(self) -> int:
        """PENDING for a plan with something to do, else that of the first step that failed."""
        return PENDING if self.pending else next((s.code for s in self.steps if s.code), 0)


@dataclass(frozen=True)
class SetupCommands:
    """What `storage setup --print` prints: commands of the cloud's own."""

    store: str
    cli: str
    commands: str


def setup(stack: Stack, apply: bool) -> SetupReport:
    """Look at each part; make those that are missing, if asked to.

    One that fails does not keep the others from being made. Typed again, it goes on from there.

    Raises:
        ConfigError: the store cannot be opened.
    """
    if stack.cloud is None:
        folder = make_folder(stack.loaded.path(stack.config.store.url), shared=True)
        step = SetupStep("folder", "ok", f"{folder} can be written; nothing to set up")
        return SetupReport(str(folder), (step,), True)
    admin = stack.cloud.administration()
    note = SetupNote(stack, admin)
    steps = []
    for part in admin.parts():
        step = _look(admin, part, note)
        if apply and step.status == "todo":
            step = _make(admin, part, note, step)
        steps.append(step)
    steps += note.steps
    return SetupReport(stack.config.store.url, tuple(steps), apply)


def setup_commands(stack: Stack, cli: str) -> SetupCommands:
    """The same as commands of a cloud's own; the cloud is not contacted.

    Args:
        stack: opened without secrets.
        cli: ``aws``, ``gcp`` or ``azure``.

    Raises:
        UsageError: the store is not in this cloud.
    """
    url = stack.config.store.url
    if MASK in url:
        raise ConfigError("store.url names a variable that is not set", "Set it, or use --set.")
    cloud = stack.cloud
    if cloud and MASK in (cloud.endpoint or ""):
        raise ConfigError(
            f"{cloud.name}.endpoint names a variable that is not set", "Set it, or use --set."
        )
    if cloud is None or cloud.cli != cli:
        fix = f"annoloop storage setup --print {cloud.cli}" if cloud else "annoloop storage setup"
        raise UsageError(f"the store {url} is not there", f"Type: {fix}")
    return SetupCommands(url, cli, cloud.setup_commands())


@dataclass(frozen=True)
class _Note:
    """What the note holds."""

    store: str
    made: dict[str, dict[str, Any]] | None = None
    unsupported: dict[str, str] | None = None


def _checked(note: dict[str, Any]) -> dict[str, Any]:
    """A note as it is; WrongRecord where it is none."""
    check_of(_Note)(note)
    return note


class SetupNote:
    """What setup made, noted in the store itself.

    Attributes:
        made: of each part what to remove.
        steps: what could not be read or written of the note.
    """

    def __init__(self, stack: Stack, admin: Administration) -> None:
        self._stack = stack
        self.steps: list[SetupStep] = []
        self._known: dict[str, Any] = {}
        self._note: Document[dict[str, Any]] = Document(
            stack.store, NOTE, Annotated[dict, _checked]
        )
        try:
            if not admin.is_missing():
                note = self._note.read() or {}
                # That of another store came along if somebody copied it here.
                self._known = note if note.get("store") == stack.config.store.url else {}
        except admin.failures as error:
            self._failed("read", *admin.explain(error), 4)
        except AnnoloopError as error:
            self._failed("read", error.message, error.hint, error.exit_code)

    @property
    def made(self) -> dict[str, dict[str, Any]]:
        return dict(self._known.get("made", {}))

    @property
    def unsupported(self) -> dict[str, str]:
        """Parts that the server does not keep, and why."""
        return dict(self._known.get("unsupported", {}))

    def add(self, name: str, made: dict[str, Any]) -> None:
        self._write({**self._known, "made": merged(self.made, name, made)})

    def add_unsupported(self, name: str, why: str) -> None:
        self._write({**self._known, "unsupported": {**self.unsupported, name: why}})

    def drop(self, name: str) -> None:
        """A part is removed; with the last one, the note is too."""
        left = {key: value for key, value in self.made.items() if key != name}
        self._known["made"] = left
        if left:
            self._write(self._known)
        else:
            self._note.delete()

    def delete(self) -> None:
        """Remove the note, if there is one."""
        if self._known:
            self._note.delete()

    def restore(self) -> None:
        self._write(self._known)

    def _write(self, known: dict[str, Any]) -> None:
        self._known = {"store": self._stack.config.store.url, **known}
        if self.steps:  # what could not be read must not be replaced
            return
        try:
            self._note.write(self._known)
        except AnnoloopError as error:
            self._failed("written", error.message, error.hint, error.exit_code)

    def _failed(self, verb: str, message: str, hint: str, code: int) -> None:
        detail = f"what was made could not be {verb} in the store, so teardown does not know it: "
        self.steps.append(SetupStep("note", "cannot", detail + message, hint, code))


def _look(admin: Administration, part: SetupPart, note: SetupNote) -> SetupStep:
    if part.name in note.unsupported:
        return SetupStep(part.name, "skip", note.unsupported[part.name])
    try:
        state = part.look()
    except UnsupportedError as error:
        return SetupStep(part.name, "skip", str(error))
    except admin.failures as error:
        return cannot(admin, part, error)
    return SetupStep(part.name, "ok" if state.done else "todo", state.detail)


def _make(admin: Administration, part: SetupPart, note: SetupNote, step: SetupStep) -> SetupStep:
    try:
        made = part.make()
    except UnsupportedError as error:
        note.add_unsupported(part.name, str(error))
        return SetupStep(part.name, "skip", str(error))
    except admin.failures as error:
        return cannot(admin, part, error)
    if made is not None:
        note.add(part.name, made)
    return SetupStep(part.name, "done", step.detail)


def cannot(admin: Administration, part: SetupPart, error: Exception) -> SetupStep:
    """A step that failed, with who can do it."""
    message, hint = admin.explain(error)
    fix = hint or (
        f"It takes {part.right}. Let an administrator type the commands of: annoloop storage "
        f"setup --print {admin.cli}"
    )
    return SetupStep(part.name, "cannot", message, fix, 4)
