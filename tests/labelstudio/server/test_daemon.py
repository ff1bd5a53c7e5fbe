"""The local server: started once, found again, told apart from others, recovered."""

import os
import shutil
import signal
import socket
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from support.project import free_port

from annolooop.errors import ConfigError, UnreachableError
from annolooop.labelstudio.api.connection import Connection
from annolooop.labelstudio.api.studio import Studio
from annolooop.labelstudio.server.daemon import OWNER_VARIABLE, Daemon


@pytest.fixture
def daemon(make_daemon: Callable[..., Daemon], migrated: Path, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon of the test's own, not yet started."""
    shutil.copytree(migrated, tmp_path / "label-studio")
    made = make_daemon(tmp_path / "label-studio", tmp_path / "store")
    yield made
    made.stop()


def quiet(_: str) -> None:
    """Nobody listens."""


def test_start_is_idempotent_and_stop_waits(daemon: Daemon) -> None:
    pid, started = daemon.start(quiet)
    assert started
    assert daemon.start(quiet) == (pid, False)
    assert daemon.running_version() == "1.23.2"
    assert daemon.stop() == pid
    assert not psutil.pid_exists(pid)
    assert daemon.stop() is None
    assert not daemon.healthy()


def test_two_starts_at_once_make_one_server(daemon: Daemon) -> None:
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: daemon.start(quiet), range(3)))
    assert len({pid for pid, _ in results}) == 1
    assert sorted(started for _, started in results) == [False, False, True]


def test_server_whose_folder_was_moved_is_named(
    daemon: Daemon, make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    daemon.start(quiet)
    shutil.copytree(daemon.data_dir, tmp_path / "moved")
    moved = make_daemon(tmp_path / "moved", tmp_path / "store", daemon.port)
    with pytest.raises(UnreachableError, match=f"own Label Studio for {daemon.data_dir}"):
        moved.start(quiet)


def test_server_answers_to_its_own_names_and_to_no_page_of_others(daemon: Daemon) -> None:
    daemon.start(quiet)

    def ask(**headers: str) -> httpx.Response:
        return httpx.get(f"{daemon.url}/api/version", headers=headers)

    for name in (
        "127.0.0.1",
        "localhost",
        "localhost:9999",
        "annoloop-x.localhost",
    ):  # also through a tunnel
        assert ask(Host=name).status_code == 200
    assert ask(Host="rebound.example.org").status_code == 400
    answer = ask(Origin="http://127.0.0.1:1")
    assert not [name for name in answer.headers if name.startswith("access-control-allow")]


def test_server_is_private(daemon: Daemon) -> None:
    before = os.umask(0)
    try:
        pid, _ = daemon.start(quiet)
    finally:
        os.umask(before)
    credentials = daemon.credentials()
    assert credentials is not None
    process = psutil.Process(pid)
    listening = [c.laddr for c in process.net_connections("tcp") if c.status == "LISTEN"]
    assert [tuple(address) for address in listening] == [("127.0.0.1", daemon.port)]
    words = " ".join(process.cmdline())
    assert credentials.password not in words
    assert credentials.token not in words
    assert stat.S_IMODE(daemon.credentials_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(daemon.data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(daemon.log.stat().st_mode) == 0o600
    assert process.cmdline()[1:3] == ["-I", "-u"]
    log = "\n".join(daemon.log_tail(10_000))
    assert credentials.password not in log
    assert credentials.token not in log
    assert credentials.token not in repr(credentials)
    stranger = {"email": "a@example.org", "password": "12345678"}
    assert httpx.post(f"{daemon.url}/user/signup/", data=stranger).status_code == 403


def test_server_sees_nothing_of_our_environment(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "1")
    monkeypatch.setenv("DEBUG", "maybe")
    monkeypatch.setenv("CI", "1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t")
    pid, _ = daemon.start(quiet)
    seen = psutil.Process(pid).environ()
    assert not {"PORT", "DEBUG", "CI", "AWS_SECRET_ACCESS_KEY"} & set(seen)


def test_database_is_in_wal_mode_and_survives_kill(daemon: Daemon) -> None:
    pid, _ = daemon.start(quiet)
    credentials = daemon.credentials()
    assert credentials is not None
    studio = Studio(Connection(daemon.url, credentials.token, 60, True))
    project = studio.projects.create("kept over a kill", ["a", "b"], "single")
    with sqlite3.connect(daemon.data_dir / "label_studio.sqlite3") as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    again, started = daemon.start(quiet)
    assert started
    assert again != pid
    assert studio.projects.find("kept over a kill") == project


def test_another_program_on_the_port_is_told_apart(daemon: Daemon) -> None:
    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", daemon.port), Hello) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with pytest.raises(UnreachableError) as caught:
            daemon.start(quiet)
        missing = replace(daemon, command=None, version="0")  # said before it is installed
        with pytest.raises(UnreachableError, match="is taken by another program"):
            missing.start(quiet)
        other.shutdown()
    assert f"port {daemon.port} is taken by another program" in caught.value.message
    assert f"label_studio.port={daemon.port + 1}" in caught.value.hint
    assert daemon.process() is None


def test_another_label_studio_on_the_port_is_told_apart_and_left_alone(
    daemon: Daemon, make_daemon: Callable[..., Daemon], migrated: Path, tmp_path: Path
) -> None:
    class Theirs(Daemon):
        """A server that somebody started without annoloop: it bears no mark."""

        def _environment(self, *given: Any) -> dict[str, str]:
            return {k: v for k, v in super()._environment(*given).items() if k != OWNER_VARIABLE}

    shutil.copytree(migrated, tmp_path / "theirs")
    theirs = Theirs(**vars(make_daemon(tmp_path / "theirs", tmp_path / "store", daemon.port)))
    pid, _ = theirs.start(quiet)
    try:
        with pytest.raises(UnreachableError, match="is taken by another Label Studio"):
            daemon.start(quiet)
        assert daemon.stop() is None
        assert psutil.pid_exists(pid)
    finally:
        psutil.Process(pid).kill()


def test_change_of_port_while_it_runs_is_noticed(
    daemon: Daemon, make_daemon: Callable[..., Daemon]
) -> None:
    daemon.start(quiet)
    moved = make_daemon(daemon.data_dir, daemon.document_root, free_port())
    with pytest.raises(UnreachableError, match=f"already runs on port {daemon.port}"):
        moved.start(quiet)
    elsewhere = make_daemon(daemon.data_dir, daemon.document_root / "other", daemon.port)
    with pytest.raises(UnreachableError, match="serves images of"):
        elsewhere.running()


def test_server_that_ends_while_starting_shows_its_last_words(
    daemon: Daemon, tmp_path: Path
) -> None:
    script = tmp_path / "broken"
    script.write_text("#!/bin/sh\necho the disk is on fire\nexit 3\n")
    script.chmod(0o755)
    broken = Daemon(**{**vars(daemon), "command": str(script)})
    with pytest.raises(UnreachableError, match="the disk is on fire"):
        broken.start(quiet)


def test_server_that_never_answers_is_stopped(daemon: Daemon, tmp_path: Path) -> None:
    script = tmp_path / "mute"
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    script.chmod(0o755)
    mute = Daemon(**{**vars(daemon), "command": str(script), "start_timeout": 1.0})
    with pytest.raises(UnreachableError, match="did not answer within 1 s"):
        mute.start(quiet)
    assert mute.process() is None


def test_command_that_is_no_program_is_named(daemon: Daemon) -> None:
    missing = Daemon(**{**vars(daemon), "command": "/nowhere/label-studio"})
    with pytest.raises(ConfigError, match="/nowhere/label-studio, which cannot be executed"):
        missing.start(quiet)


def test_lost_credentials_are_not_replaced(daemon: Daemon) -> None:
    daemon.credentials_file.unlink()
    with pytest.raises(ConfigError, match=r"but no credentials\.json"):
        daemon.start(quiet)
    assert not daemon.credentials_file.exists()


def test_log_is_followed(daemon: Daemon) -> None:
    daemon.log.parent.mkdir(parents=True, exist_ok=True)
    daemon.log.write_text("old\n", encoding="utf-8")

    read = threading.Event()

    def write() -> None:
        while not read.wait(0.05):
            with daemon.log.open("a", encoding="utf-8") as log:
                log.write("new\n")

    threading.Thread(target=write).start()
    try:
        assert next(daemon.follow_log()) == "new"
    finally:
        read.set()


def test_port_is_free_at_once_after_stop(daemon: Daemon) -> None:
    daemon.start(quiet)
    daemon.stop()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", daemon.port))
