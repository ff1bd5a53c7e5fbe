"""A command is typed again and again while a server runs."""

import subprocess
import sys
from pathlib import Path
from threading import Thread

import psutil

from annolooop.labelstudio.server import daily
from annolooop.labelstudio.server.daily import watch

APPEND = "import sys; open(sys.argv[1], 'a').write('x')"


def test_command_runs_until_the_server_ends(tmp_path: Path) -> None:
    file = tmp_path / "runs"
    server = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    command = [sys.executable, "-c", APPEND, str(file)]
    watching = Thread(target=watch, args=(server.pid, command, 0.0, 0.0, 0.01))
    watching.start()
    while not (file.exists() and len(file.read_text()) >= 2):
        pass
    server.communicate(b"\n")
    watching.join(20)
    assert not watching.is_alive()


def test_server_that_has_ended_is_not_watched(tmp_path: Path) -> None:
    server = subprocess.Popen([sys.executable, "-c", ""])
    server.wait()
    watch(server.pid, [sys.executable, "-c", APPEND, str(tmp_path / "runs")], 0.0, 0.0, 0.01)
    assert not list(tmp_path.iterdir())


def test_it_runs_by_its_path_with_an_isolated_interpreter() -> None:
    ended = subprocess.run(
        [sys.executable, "-I", daily.__file__, str(2**22 + 1), "true"], check=False, timeout=30
    )
    assert ended.returncode == 0
    assert not psutil.pid_exists(2**22 + 1)
