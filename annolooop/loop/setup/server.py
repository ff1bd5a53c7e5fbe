"""Start, stop and look at Label Studio."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from annolooop.errors import ConfigError, UnreachableError
from annolooop.labelstudio.server.install import has_our_pages
from annolooop.loop.labels.project import lookup_project
from annolooop.loop.setup.backup import daily_command, lies_elsewhere
from annolooop.stack import Stack
from annolooop.storage.clouds.provisioning import NOTE


@dataclass(frozen=True)
class StatusReport:
    """Whether Label Studio runs, where, and which one."""

    running: bool
    url: str
    pid: int | None
    version: str | None
    ours: bool
    data_dir: str | None = None
    log: str | None = None


@dataclass(frozen=True)
class UpReport:
    """Label Studio after `up`. ``started`` is False when it already ran.

    ``refreshed`` counts the projects whose storage got the bucket's credentials again. ``missing``
    are sentences: what people do not have on a labelling page without our settings, as that of a
    server that someone else runs.
    """

    url: str
    pid: int | None
    version: str
    started: bool
    username: str | None
    credentials: str | None
    refreshed: int | None
    seconds: float
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class DownReport:
    """``stopped`` is False when there was nothing of ours to stop."""

    stopped: bool
    pid: int | None


@dataclass(frozen=True)
class LogsReport:
    """The end of Label Studio's log."""

    path: str
    lines: tuple[str, ...]


def up(
    stack: Stack, say: Callable[[str], None], refresh_storage: bool = False, watch: bool = False
) -> UpReport:
    """Make Label Studio run and be ready for us.

    Args:
        stack: the annotation loop.
        say: shows slow steps.
        refresh_storage: give it the credentials of the store's bucket again.
        watch: back it up once a day while it runs, where the stack file says so.

    Raises:
        ConfigError: it cannot be installed, is older than its database, or refuses our token.
        UnreachableError: it does not come up, or its port is taken.
        DataError: its database is damaged.
    """
    begun = time.monotonic()
    daemon = stack.daemon
    pid, started = daemon.start(say) if daemon else (None, False)
    watch = watch and stack.config.label_studio.daily_backup
    if daemon and pid and watch and lies_elsewhere(stack):
        daemon.watch(pid, daily_command(stack))
    studio = stack.studio
    owner = studio.people.whoami()
    version = studio.version()
    configured = daemon.configured_version() if daemon else None
    if not started and configured not in (None, version):
        say(f"Label Studio {version} runs, and the stack file names {configured}.")
        say("To change to that: annoloop down, then: annoloop up")
    refreshed = 0
    if refresh_storage:
        stack.store.exists(NOTE)  # any key: the store says so where the credentials are wrong
        projects = studio.projects.list()
        refreshed = sum(stack.image_source.refresh(studio, project.id) for project in projects)
        own = lookup_project(stack, stack.config.dataset.name)
        if own:
            stack.annotation_export.renew(studio, own.id)
    return UpReport(
        url=studio.url,
        pid=pid,
        version=version,
        started=started,
        username=owner,
        credentials=str(daemon.credentials_file) if daemon else None,
        refreshed=refreshed if refresh_storage else None,
        seconds=round(time.monotonic() - begun, 3),
        missing=() if daemon and has_our_pages(daemon.command) else _missing(stack),
    )


def _missing(stack: Stack) -> tuple[str, ...]:
    """What a labelling page without our settings does not do."""
    lines = [
        'To stay in a queue, people choose "Label Tasks As Displayed" there, in the menu beside '
        'the button "Label All Tasks".',
        "Space does not submit there (Ctrl+Enter does), and the key of a label that is already "
        "chosen takes it away.",
    ]
    if stack.config.dataset.one_key:
        lines.append("dataset.one_key does nothing there: people submit by themselves.")
    return tuple(lines)


def down(stack: Stack) -> DownReport:
    """Stop our own Label Studio and wait for its end; someone else's is left alone.

    Raises:
        ConfigError: the stack uses a server that someone else runs.
    """
    if stack.daemon is None:
        raise ConfigError(
            f"Label Studio at {stack.config.label_studio.url} was not started by annoloop",
            "Whoever runs it can stop it.",
        )
    pid = stack.daemon.stop()
    return DownReport(pid is not None, pid)


def status(stack: Stack) -> StatusReport:
    """Whether Label Studio runs. Never raises for a server that does not."""
    daemon = stack.daemon
    if daemon is None:
        try:
            version = stack.studio.version()
        except UnreachableError:
            version = None
        return StatusReport(version is not None, stack.studio.url, None, version, False)
    process = daemon.process()
    if process:  # where it runs counts, not where the stack file would start it
        port = process.environ().get("LABEL_STUDIO_PORT", daemon.port)
        daemon = replace(daemon, port=int(port))
    running = process is not None and daemon.healthy()
    return StatusReport(
        running=running,
        url=daemon.url,
        pid=process.pid if process else None,
        version=daemon.running_version() if running else None,
        ours=True,
        data_dir=str(daemon.data_dir),
        log=str(daemon.log),
    )


def logs(stack: Stack, lines: int) -> LogsReport:
    """The end of our Label Studio's log.

    Raises:
        ConfigError: the stack uses a server that someone else runs.
    """
    if stack.daemon is None:
        raise ConfigError(
            f"Label Studio at {stack.config.label_studio.url} keeps its log where it runs",
            "Ask whoever runs it.",
        )
    return LogsReport(str(stack.daemon.log), tuple(stack.daemon.log_tail(lines)))
