"""Remove what setup made around a store, and nothing else."""

from dataclasses import dataclass

from annolooop.errors import AnnoloopError, counted
from annolooop.loop.setup.storage import SetupNote, SetupReport, SetupStep, cannot
from annolooop.stack import Stack
from annolooop.storage.clouds.provisioning import NOTE, Administration, SetupPart


@dataclass(frozen=True)
class TeardownReport(SetupReport):
    """What `storage teardown` saw and removed. ``applied`` is False for a plan."""


def teardown(stack: Stack, apply: bool) -> TeardownReport:
    """Look at what setup noted; remove it, if asked to. No image, snapshot or model is deleted.

    Raises:
        ConfigError: the store cannot be opened.
    """
    url = stack.config.store.url
    if stack.cloud is None:
        step = SetupStep("folder", "ok", "setup makes nothing around a folder")
        return TeardownReport(url, (step,), True)
    admin = stack.cloud.administration()
    note = SetupNote(stack, admin)
    steps = []
    for part in reversed(admin.parts()):
        if part.name not in note.made:
            continue
        try:
            step = _step(admin, part, note)
            if apply and step.status == "todo":
                step = _remove(admin, part, note, step)
        except (LookupError, TypeError, AttributeError, ValueError):  # of another shape
            error = stack.store.damaged(NOTE, f"what it has of {part.name} is something else")
            step = SetupStep(part.name, "cannot", error.message, error.hint, error.exit_code)
        steps.append(step)
    if apply and not note.made:
        note.delete()  # it is of no use any more, and would keep the bucket of another store
    if not steps and not note.steps:
        steps.append(SetupStep("setup", "ok", "no note of anything that setup made here"))
    return TeardownReport(url, (*steps, *note.steps), apply)


def _step(admin: Administration, part: SetupPart, note: SetupNote) -> SetupStep:
    if part.name != "bucket":
        return SetupStep(part.name, "todo", part.removes(note.made[part.name]))
    try:
        objects = admin.count() - 1  # the note
    except admin.failures as error:
        return cannot(admin, part, error)
    if objects > 0:
        return SetupStep(
            "bucket",
            "kept",
            f"{admin.required.bucket} holds {counted(objects, 'object')}: it stays",
            f"To delete all of it, people's work too: {admin.removing}",
        )
    return SetupStep("bucket", "todo", f"the empty bucket {admin.required.bucket}")


def _remove(admin: Administration, part: SetupPart, note: SetupNote, step: SetupStep) -> SetupStep:
    try:
        if part.name == "bucket":
            note.delete()
            try:
                admin.remove_bucket()
            except BaseException:
                note.restore()
                raise
        else:
            part.remove(note.made[part.name])
            note.drop(part.name)
    except admin.failures as error:
        return cannot(admin, part, error)
    except AnnoloopError as error:
        return SetupStep(part.name, "cannot", error.message, error.hint, error.exit_code)
    return SetupStep(part.name, "done", step.detail)
