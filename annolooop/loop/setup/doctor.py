"""Check each part that the loop needs, and say what to type where one is wrong."""

import platform
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from annolooop.errors import AnnoloopError, UnreachableError
from annolooop.labelstudio.server.login import open_session
from annolooop.loop.labels.project import lookup_project
from annolooop.loop.setup.checks import Check, DoctorReport
from annolooop.loop.setup.store_check import check_store
from annolooop.stack import Stack

PACKAGES = ("annolooop", "torch", "torchvision", "label-studio-sdk", "typer", "fsspec")
DISK_LOW = 5e9  # bytes: Label Studio's environment takes about 1 GB, and images need room
DISK_FULL = 5e8
SKEW = 60.0  # seconds
NEED_SERVER = ("token", "clock", "image")


def doctor(open_stack: Callable[[], Stack]) -> DoctorReport:
    """Run all checks; one that fails does not keep the others from running.

    Args:
        open_stack: loads the stack file, which is a check of its own.
    """
    checks = [_packages()]
    try:
        stack = open_stack()
    except AnnoloopError as error:
        return DoctorReport((*checks, _failed("stack file", error)))
    checks.append(Check("stack file", "ok", str(stack.loaded.file)))
    for name, check in (
        ("store", check_store),
        ("disk", _disk),
        ("label studio", _label_studio),
        ("token", _token),
        ("clock", _clock),
        ("image", _image),
        ("weights", _weights),
        ("device", _device),
    ):
        if name in NEED_SERVER and any(c.name == "label studio" and c.code for c in checks):
            continue
        try:
            checks += check(stack)
        except AnnoloopError as error:
            checks.append(_failed(name, error))
    return DoctorReport(tuple(checks))


def _failed(name: str, error: AnnoloopError) -> Check:
    return Check(name, "fail", error.message, error.hint, error.exit_code)


def _packages() -> Check:
    packages = []
    for package in PACKAGES:
        try:
            packages.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            fix = "Install annoloop again: pip install --force-reinstall annolooop"
            return Check("python", "fail", f"{package} is not installed", fix, 3)
    return Check("python", "ok", f"{platform.python_version()}; {', '.join(packages)}")


def _disk(stack: Stack) -> Iterator[Check]:
    for folder in {stack.store.local_path or stack.cache, stack.cache}:
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(there).free
        detail = f"{free / 1e9:.1f} GB free at {there}"
        if free < DISK_FULL:
            yield Check("disk", "fail", detail, "Make room there.", 4)
        elif free < DISK_LOW:
            yield Check("disk", "warn", detail, "Make room there soon.")
        else:
            yield Check("disk", "ok", detail)


def _label_studio(stack: Stack) -> Iterator[Check]:
    running = stack.studio.version()  # raises where there is no server, or another one
    configured = stack.daemon.configured_version() if stack.daemon else None
    detail = f"{running} at {stack.studio.url}"
    if configured not in (None, running):
        fix = "Start the one that the stack file names: annoloop down, then: annoloop up"
        yield Check("label studio", "warn", f"{detail}; the stack file names {configured}", fix)
    else:
        yield Check("label studio", "ok", detail)


def _token(stack: Stack) -> Iterator[Check]:
    owner = stack.studio.people.whoami()
    key = stack.config.label_studio.api_key
    kind = "personal access token" if key and key.get_secret_value().count(".") == 2 else "token"
    yield Check("token", "ok", f"{kind} of {owner}")


def _clock(stack: Stack) -> Iterator[Check]:
    skew = (datetime.now(timezone.utc) - stack.studio.now()).total_seconds()
    detail = f"{abs(skew):.0f} s between this machine and Label Studio"
    if abs(skew) > SKEW:
        yield Check("clock", "warn", detail, "Set both clocks by the network (NTP).")
    else:
        yield Check("clock", "ok", detail)


def _image(stack: Stack) -> Iterator[Check]:
    project = lookup_project(stack, stack.config.dataset.name)
    task = (
        next((t for t in stack.studio.tasks.list(project.id) if t.key), None) if project else None
    )
    if project is None or task is None:
        yield Check("image", "ok", "there is no task yet whose image could be shown")
        return
    cookies = None
    if stack.daemon and (credentials := stack.daemon.credentials()):
        cookies = open_session(stack.studio.url, credentials)
    address = stack.studio.tasks.image_address(project.id, task.id)
    kind, data = stack.studio.fetch(address, cookies)
    size = len(data)
    if not kind.startswith("image/") or not data:
        raise UnreachableError(
            f"Label Studio answers with {kind}, {size} bytes, for the image {task.key}",
            "Check that the file is in the store, and that Label Studio may serve its folder.",
        )
    how = "as a browser sees it" if cookies else "with the token"
    yield Check("image", "ok", f"{task.key} is shown, {how}: {kind}, {size} bytes")


def _weights(stack: Stack) -> Iterator[Check]:
    from annolooop.model.backbones.weights import hub_file

    model, current = stack.config.model, stack.registry.current()
    if current:
        stack.registry.backbone(current.backbone)
        yield Check("weights", "ok", f"{current.name}: {current.backbone.name} is in the store")
        return
    hub = hub_file(model.backbone, model.weights)
    kept = stack.starter_file if model.weights == "starter" else hub
    if kept is None or kept.exists() or Path(model.weights).is_file():
        yield Check("weights", "ok", f"{model.backbone} {model.weights}")
    else:
        detail = f"{model.backbone} {model.weights} will be downloaded to {kept}"
        yield Check("weights", "warn", detail, "Fetch them now: annoloop train")


def _device(stack: Stack) -> Iterator[Check]:
    from annolooop.model.backbones.classifier import describe_device

    yield Check("device", "ok", describe_device(stack.config.infer.device))
