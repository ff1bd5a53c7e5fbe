"""The local Label Studio server: start it, find it again, wait for it, stop it."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from annolooop.config.load import LoadedStack
from annolooop.errors import AnnoloopError, ConfigError, UnreachableError
from annolooop.files.whole import make_folder, open_private
from annolooop.labelstudio.api.address import open_client
from annolooop.labelstudio.server import daily
from annolooop.labelstudio.server.credentials import Credentials, load_credentials, make_credentials
from annolooop.labelstudio.server.database import Database
from annolooop.labelstudio.server.document_root import link_folders, linked_store, root_of
from annolooop.labelstudio.server.install import (
    command_of,
    ensure_environment,
    installed_version,
    release_environment,
)
from annolooop.labelstudio.server.port import HOST, port_owner, port_taken
from annolooop.labelstudio.server.process import end_process, find_process, has_ended, start_apart
from annolooop.labelstudio.server.settings import ENDPOINTS, server_environment

OWNER_VARIABLE = "ANNOLOOP_DATA_DIR"  # in the server's environment: its data folder
WATCH_VARIABLE = "ANNOLOOP_BACKUPS_OF"  # in that of the process that backs it up, likewise
SECONDS_EXPORTS_ARE_KEPT = 7 * 86_400.0
LOG_BYTES = 10_000_000  # after which the next start begins a new log


@dataclass(frozen=True)
class Daemon:
    """One local Label Studio, known by its data folder.

    Attributes:
        port: on 127.0.0.1.
        data_dir: its database, uploads and login.
        name: a plain name of its own, for what it shares with others.
        log: file that receives its output.
        document_root: the only folder whose files it may serve, and write into.
        links: what that consists of: name -> a folder of the store.
        environments: where Label Studio's own environments are kept.
        version: of Label Studio to install.
        command: an executable to start instead.
        start_timeout: seconds to wait for it.
        cloud: variables by which it knows where buckets are that are not a cloud's own.
    """

    port: int
    data_dir: Path
    name: str
    log: Path
    document_root: Path
    environments: Path
    version: str
    command: str | None
    start_timeout: float
    cloud: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        loaded: LoadedStack,
        cache: Path,
        store: Path | None,
        links: Sequence[str],
        variables: Mapping[str, str],
    ) -> "Daemon":
        """The server that a stack file asks for; nothing is started.

        Args:
            loaded: the stack file.
            cache: the folder that may be deleted at any time.
            store: the folder that the store is, if it is one.
            links: names of folders of the store whose files it may serve.
            variables: see ``cloud``.
        """
        section = loaded.config.label_studio
        data_dir = loaded.path(section.data_dir)
        name = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
        command = section.command
        if command and "/" in command:  # a path is the stack file's, a bare name a program's
            command = str(loaded.path(command))
        elif command:
            command = shutil.which(command) or command
        return cls(
            port=section.port,
            data_dir=data_dir,
            name=name,
            log=cache / "logs" / f"label-studio-{name}.log",
            document_root=root_of(data_dir, store) if store else data_dir / "files",
            links={link: store / link for link in links} if store else {},
            environments=cache / "label-studio",
            version=section.version,
            command=command,
            start_timeout=section.start_timeout,
            cloud=variables,
        )

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def credentials_file(self) -> Path:
        return self.data_dir / "credentials.json"

    def credentials(self) -> Credentials | None:
        """The login made at the first start, or ``None`` before it.

        Raises:
            ConfigError: the file cannot be read.
        """
        return load_credentials(self.credentials_file)

    @property
    def database(self) -> Database:
        return Database(self.data_dir)

    def configured_version(self) -> str | None:
        """Version that a start would run; ``None`` for a command whose version cannot be read.

        Raises:
            ConfigError: the command is no program.
        """
        return installed_version(self._command()) if self.command else self.version

    def process(self) -> psutil.Process | None:
        """Our server's process, found by a variable in its environment, whoever started it."""
        return find_process(OWNER_VARIABLE, str(self.data_dir))

    def running(self) -> psutil.Process | None:
        """Our server's process, if it runs as we are set up.

        Raises:
            UnreachableError: it runs on another port, or serves another store.
        """
        process = self.process()
        if process:
            self._check_setup(process.environ())
        return process

    def healthy(self, timeout: float = 2.0) -> bool:
        """Whether something at the port calls itself a healthy Label Studio."""
        try:
            with open_client(self.url, timeout) as client:
                answer = client.get(f"{self.url}/health")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 and '"UP"' in answer.text

    def running_version(self) -> str | None:
        """Version of the server at the port, or ``None``."""
        try:
            with open_client(self.url, 10) as client:
                answer = client.get(f"{self.url}/api/version")
            return str(answer.json()["release"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return None

    def start(self, say: Callable[[str], None]) -> tuple[int, bool]:
        """Make Label Studio run and be ready.

        Returns:
            Its process id, and whether this call started it.

        Raises:
            UnreachableError: the port belongs to another program, or the server did not come up.
            ConfigError: it could not be installed, is older than its database, or has a folder that
                cannot be used.
            DataError: its database is damaged.
        """
        from filelock import FileLock  # loads asyncio, and only a start needs it

        running = self.running()
        if running:
            self._make_sure(running, say)
            return running.pid, False
        self._check_port()  # before an installation that takes minutes
        executable = self._executable(say)
        version = self.configured_version()
        for folder in (self.data_dir, self.document_root, self.log.parent):
            make_folder(folder)
        if self.links:
            link_folders(self.document_root, self.links)
        with FileLock(self.data_dir / "start.lock"):  # two servers on one database would ruin it
            running = self.running()
            if running is None:
                self._check_port()
                process = self._launch(executable, self._prepare_folder(version, say))
        if running:
            self._make_sure(running, say)
            return running.pid, False
        say(f"Starting Label Studio on {self.url} …")
        try:
            self._make_sure(process, say)
        except (AnnoloopError, KeyboardInterrupt) as error:
            end_process(process)
            if isinstance(error, UnreachableError):
                raise self._with_way_back(error) from None
            raise
        return process.pid, True

    def watch(self, pid: int, command: Sequence[str]) -> bool:
        """Type a command every hour while the server runs, in a process of its own.

        Args:
            pid: of the server.
            command: that backs it up where a day is over.

        Returns:
            Whether this call started it: there is one for each data folder.
        """
        command = [sys.executable, "-I", daily.__file__, str(pid), *command]
        log = self.log.with_name(f"backup-{self.name}.log")
        return start_apart(command, log, WATCH_VARIABLE, str(self.data_dir))

    def stop(self) -> int | None:
        """Stop our server, and wait for its end. Returns its process id, if it ran."""
        process = self.process()
        if process is None:
            return None
        end_process(process)
        return process.pid

    def release_environment(self) -> Path | None:
        """Let go of the installed Label Studio; it is removed if nobody else uses it."""
        return release_environment(self.environments, self.version, self.name)

    def log_tail(self, lines: int) -> list[str]:
        """The last lines of the server's log."""
        try:
            with self.log.open(encoding="utf-8", errors="replace") as file:
                return [line.rstrip("\n") for line in deque(file, maxlen=lines)]
        except FileNotFoundError:
            return []

    def follow_log(self) -> Iterator[str]:
        """Lines as the server writes them, for ever."""
        while not self.log.exists():
            time.sleep(0.5)
        with self.log.open(encoding="utf-8", errors="replace") as file:
            file.seek(0, os.SEEK_END)
            while True:
                line = file.readline()
                if line:
                    yield line.rstrip("\n")
                else:
                    time.sleep(0.3)

    def _check_setup(self, environ: Mapping[str, str]) -> None:
        port = environ.get("LABEL_STUDIO_PORT")
        if port != str(self.port):
            raise UnreachableError(
                f"Label Studio for {self.data_dir} already runs on port {port}, not {self.port}",
                "Stop it first: annoloop down; then: annoloop up",
            )
        root = environ.get("LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT")
        if root != str(self.document_root):
            ours = next((folder.parent for folder in self.links.values()), self.document_root)
            raise UnreachableError(
                f"the running Label Studio serves images of {linked_store(Path(root or '/'))}, "
                f"not of {ours}",
                "Start it again: annoloop down, then: annoloop up",
            )
        for name in ENDPOINTS:
            now, configured = environ.get(name), self.cloud.get(name)
            if now != configured:
                raise UnreachableError(
                    f"the running Label Studio was started with {name}={now or ''}, "
                    f"and not with {configured or 'none'}",
                    "Start it again: annoloop down, then: annoloop up",
                )

    def _check_port(self) -> None:
        if not port_taken(self.port):
            return
        owner, folder = port_owner(self.port, OWNER_VARIABLE)
        if folder:
            raise UnreachableError(
                f"port {self.port} is taken by annoloop's own Label Studio for {folder}{owner}",
                "Stop it with annoloop down where its stack file is; if that folder was moved, "
                "end the process.",
            )
        kind = "another Label Studio" if self.healthy() else "another program"
        raise UnreachableError(
            f"port {self.port} is taken by {kind}{owner}",
            "Stop it, or use another port: annoloop up --set "
            f"label_studio.port={self.port + 1} (or set it in the stack file)",
        )

    def _make_sure(self, process: psutil.Process, say: Callable[[str], None]) -> None:
        """Wait until it is healthy, and note in its database that this version was."""
        self._wait(process, say)
        self.database.prove(self.running_version())

    def _with_way_back(self, error: UnreachableError) -> UnreachableError:
        """The error, and where the copy is if this was the first start after an upgrade."""
        back = "" if self.database.mark().proven else self.database.way_back()
        return UnreachableError(error.message, f"{error.hint}. {back}") if back else error

    def _executable(self, say: Callable[[str], None]) -> Path:
        if self.command is None:
            return ensure_environment(self.environments, self.version, self.name, say)
        return self._command()

    def _command(self) -> Path:
        executable = Path(self.command or "").expanduser()
        if not os.access(executable, os.X_OK) or executable.is_dir():
            raise ConfigError(
                f"label_studio.command is {self.command}, which cannot be executed",
                "Name a label-studio executable, or leave the key out to have one installed.",
            )
        return executable

    def _prepare_folder(self, version: str | None, say: Callable[[str], None]) -> Credentials:
        self.data_dir.chmod(0o700)
        existing = self.credentials()
        if existing is None and self.database.filled:
            raise ConfigError(
                f"{self.data_dir} holds a Label Studio database but no credentials.json",
                "Put credentials.json back, or name another folder: label_studio.data_dir",
            )
        # The login first: a database without one would be refused at the next start.
        credentials = existing or make_credentials(self.credentials_file)
        if existing:  # else the folder may be somebody's own
            self._prune_exports()
        self.database.prepare(version, say)
        return credentials

    def _prune_exports(self) -> None:
        """Remove old copies that the server keeps of every export it has answered."""
        for file in (self.data_dir / "export").glob("project-*"):
            if time.time() - file.stat().st_mtime > SECONDS_EXPORTS_ARE_KEPT:
                file.unlink()

    def _launch(self, executable: Path, credentials: Credentials) -> psutil.Popen:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        # --debug only makes a busy port an error; without it another port is taken silently.
        words = ["start", "--no-browser", "--debug", "--internal-host", HOST]
        with open_private(self.log, "a") as log:
            return psutil.Popen(
                [*command_of(executable), *words],
                env=self._environment(executable, credentials),
                cwd=self.data_dir,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _environment(self, executable: Path, credentials: Credentials) -> dict[str, str]:
        made = server_environment(
            executable, credentials, self.port, self.document_root, self.cloud
        )
        return made | {
            OWNER_VARIABLE: str(self.data_dir),
            "LABEL_STUDIO_BASE_DATA_DIR": str(self.data_dir),
        }

    def _wait(self, process: psutil.Process, say: Callable[[str], None]) -> None:
        begun = shown = time.monotonic()
        while True:
            if has_ended(process):
                raise UnreachableError(
                    "Label Studio ended while it started" + self._log_quote(),
                    "Read more: annoloop logs",
                )
            if self.healthy():
                return
            now = time.monotonic()
            if now - begun > self.start_timeout:
                raise UnreachableError(
                    f"Label Studio did not answer within {self.start_timeout:.0f} s"
                    + self._log_quote(),
                    "Read more: annoloop logs; give it longer: annoloop up --set "
                    f"label_studio.start_timeout={2 * self.start_timeout:.0f}",
                )
            if now - shown >= 15:
                shown = now
                say(f"  waiting for Label Studio, {now - begun:.0f} s (a first start takes longer)")
            time.sleep(0.2)

    def _log_quote(self) -> str:
        lines = self.log_tail(8)
        return ":\n" + "\n".join(f"  {line}" for line in lines) if lines else ""
