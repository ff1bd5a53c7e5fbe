"""Runs the command line in a process that dies at one of its writes.

The process is forked from one that has imported everything, so that dying often takes no time.
"""

import multiprocessing
import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

PRELOAD = (
    "annolooop.cli",
    "annolooop.labelstudio.api.studio",
    "annolooop.loop.infer.infer",
    "annolooop.loop.sync.sync",
    "annolooop.loop.train.train",
    "annolooop.model.backbones.pipeline",
    "annolooop.storage.lease",
)
SECONDS_OF_QUIET = 3.0  # seconds that the tests give a request whose sender died
IN_FLIGHT = 0.02  # seconds after which it dies while its request is on the way

Joint = tuple[str, str]  # what was written, and how the process died there


def run_dying(
    folder: Path, words: list[str], seen: list[Joint], server: int | None = None
) -> tuple[int, str, Joint | None]:
    """Run ``annoloop`` until its first write that is not among those seen.

    Args:
        folder: of the project.
        words: of the command line.
        seen: joints at which earlier runs died.
        server: pid of a Label Studio that is to die in its place, during the first request.

    Returns:
        Exit code, what was printed, and the joint at which it died; ``None`` if it ended by itself.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    joints, other = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(str(folder), words, seen, server, other))
    process.start()
    other.close()
    process.join(120)
    assert process.exitcode is not None
    try:
        joint = joints.recv()
    except EOFError:
        joint = None
    message = (folder / "told.txt").read_text(encoding="utf-8")
    return process.exitcode, message, joint


def _work(
    folder: str, words: list[str], seen: list[Joint], server: int | None, joints: Any
) -> None:
    os.chdir(folder)
    out = os.open("told.txt", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _wrap(_Death(seen, server, joints))
    sys.argv = ["annoloop", *words]
    from annolooop.__main__ import main

    main()


class _Death:
    def __init__(self, seen: list[Joint], server: int | None, joints: Any) -> None:
        self._seen = seen
        self._server = server
        self._joints = joints
        self._died = False  # what was interrupted may write once more before it ends

    @property
    def kills_server(self) -> bool:
        """It is the server that is to die, also while it answers what people said."""
        return self._server is not None

    def now(self, write: str) -> None:
        """Die after a write: by kill -9 or by Ctrl-C, in turn."""
        how = ("kill", "interrupt")[len(self._seen) % 2]
        if (
            self._died
            or self._server
            or any((write, known) in self._seen for known in ("kill", "interrupt"))
        ):
            return
        self._died = True
        self._joints.send((write, how))
        if how == "kill":
            os._exit(9)
        # As a terminal does, whatever thread writes.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def soon(self, write: str) -> None:
        """Die while a request is on its way."""
        if self._died or (write, "in flight") in self._seen:
            return
        self._died = not self._server
        self._joints.send((write, "in flight"))
        if self._server:
            threading.Timer(IN_FLIGHT, os.kill, (self._server, signal.SIGKILL)).start()
            self._seen = [*self._seen, (write, "in flight")]
        else:
            threading.Timer(IN_FLIGHT, os._exit, (9,)).start()


def _wrap(death: _Death) -> None:
    from annolooop.labelstudio.api.connection import Connection
    from annolooop.storage import intents
    from annolooop.storage.artifacts.store import ArtifactStore

    intents.SECONDS_OF_QUIET = SECONDS_OF_QUIET
    write: Callable[..., bool] = ArtifactStore._write
    delete = ArtifactStore.delete
    call = Connection.call

    def dying_write(self: ArtifactStore, key: str, data: bytes, replace: bool) -> bool:
        done = write(self, key, data, replace)
        if done:
            death.now(f"write {_kind(key)}")
        return done

    def dying_delete(self: ArtifactStore, key: str) -> None:
        there = self.exists(key)
        delete(self, key)
        if there:
            death.now(f"delete {_kind(key)}")

    def dying_call(self: Connection, method: str, path: str, **given: Any) -> Any:
        if method != "GET" or (death.kills_server and path.endswith("/export")):
            death.soon(f"{method} {path}")
        answer = call(self, method, path, **given)
        if method != "GET":
            death.now(f"{method} {path}")
        return answer

    ArtifactStore._write = dying_write  # type: ignore[method-assign]
    ArtifactStore.delete = dying_delete  # type: ignore[method-assign]
    Connection.call = dying_call  # type: ignore[method-assign]


def _kind(key: str) -> str:
    """A lock's number grows with each run; the others stay."""
    return re.sub(r"^locks/(.*)/\d+\.json", r"locks/\1/lock.json", key)
