"""One lock for each dataset: who writes to Label Studio, or makes the dataset's project, now.

Format: ``locks/<name>/<n>.json``. The highest number is the lock's state, and is never
removed; whoever finds it released, or its holder gone, may write the next one, and of several who
try, one succeeds. Only what every store can do is used, so it works in a bucket too.
"""

import contextlib
import os
import platform
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import psutil

from annolooop.domain.moments import Moment
from annolooop.errors import UnreachableError
from annolooop.storage.artifacts.prefixes import LOCKS
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.records import WrongRecord, from_json
from annolooop.storage.series import Series

SECONDS_BETWEEN_SIGNS = 10.0  # of life
SECONDS_OF_SILENCE = 60.0  # by the waiter's own clock, after which a holder is gone
SECONDS_OF_TRUST = 30.0  # in its own lock, of a holder that gave no new sign of life
SECONDS_BETWEEN_LOOKS = (0.2, 2.0)  # at first, and at most


def _process(pid: int) -> int:
    if not 0 < pid < 2**31:
        raise ValueError
    return pid


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Attributes:
        command: what was typed.
        person: ``user@host``.
        machine: where ``pid`` means something.
        pid: of the process.
        born: when the process started, in seconds since 1970 by that machine's clock.
        since: when it took the lock, ISO 8601 with its zone.
        beat: grows while it lives.
        released: the lock is free.
        mark: no other holder has it, so that none takes another's lock for its own.
    """

    command: str
    person: str
    machine: str
    pid: Annotated[int, _process]
    born: float
    since: Moment
    beat: int = 0
    released: bool = False
    mark: str = ""

    def __str__(self) -> str:
        since = datetime.fromisoformat(self.since).astimezone()
        today = since.date() == datetime.now().astimezone().date()
        moment = f"{since:%H:%M}" if today else f"{since:%Y-%m-%d %H:%M}"
        return f"`{self.command}` by {self.person} since {moment} (pid {self.pid})"

    def ended(self) -> bool:
        """Whether it is known to be gone: a process of this machine that is there no more."""
        if self.machine != this_machine():
            return False
        try:
            process = psutil.Process(self.pid)
            # Set clocks move a process's time of birth a little; silence decides the rest.
            other = abs(process.create_time() - self.born) > SECONDS_OF_SILENCE
            return other or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False


def myself(command: str, person: str) -> Holder:
    """This process, as the holder of a lock from now on."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    pid = os.getpid()
    born = psutil.Process(pid).create_time()
    mark = secrets.token_hex(4)
    return Holder(command, person, this_machine(), pid, born, now, mark=mark)


def this_machine() -> str:
    """Names this machine, or this container: each numbers its own processes."""
    parts = [platform.node()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(os.readlink("/proc/self/ns/pid"))  # noqa: PTH115
    return " ".join(parts)


class Lease:
    """One at a time: the lock of one dataset, which its holder may lose.

    A holder that gives no sign of life for a while loses it to others; so each request that it
    protects is sent inside :meth:`guard`.

    Args:
        store: where it is kept.
        dataset: its name.
        timeout: seconds to wait for someone else; 0 for not at all.
        say: called with whom it waits for, and whose lock it takes over.
        silence: seconds without a sign of life after which a holder is gone.
        stop: set when the command ends early, so that it waits no longer.
    """

    def __init__(
        self,
        store: ArtifactStore,
        dataset: str,
        timeout: float,
        say: Callable[[str], None],
        silence: float = SECONDS_OF_SILENCE,
        stop: threading.Event | None = None,
    ) -> None:
        self._store = store
        self._dataset = dataset
        self._series: Series[Holder] = Series(store, f"{LOCKS}/{dataset}", Holder)
        self._timeout = timeout
        self._say = say
        self._stop = stop or threading.Event()
        self._silence = silence
        self._number = 0  # of our object while we hold the lock
        self._mine: Holder | None = None
        self._beaten = 0.0
        self._writing = threading.Lock()
        self._over = threading.Event()

    def acquire(self, me: Holder) -> None:
        """Take the lock, or wait for it.

        Raises:
            UnreachableError: someone else held it for all of ``timeout``.
            KeyboardInterrupt: ``stop`` was set.
        """
        begun = since = time.monotonic()
        seen: tuple[int, bytes] | None = None
        named = 0  # number of the state whose holder was named
        pause = SECONDS_BETWEEN_LOOKS[0]
        while True:
            number, body = state = self._newest()
            if state != seen:
                seen, since = state, time.monotonic()
            holder = _read(body)
            silent = time.monotonic() - since > self._silence
            free = number == 0 or (holder is not None and holder.released)
            gone = silent or (holder is not None and holder.ended())
            if (free or gone) and self._take(number + 1, me, begun + self._timeout):
                if not free:
                    self._say(f"taking over from {holder or 'someone'}, who is gone")
                return
            if time.monotonic() - begun >= self._timeout:
                raise self._held(holder)
            if named != number and not (free or gone):
                named = number
                self._say(f"waiting for {holder or 'someone'}")
            pause = self._pause(pause)

    def idle(self) -> int | None:
        """Number of the lock's state while nobody holds it, else ``None``; see :meth:`follows`."""
        number, body = self._newest()
        holder = _read(body)
        return number if number == 0 or (holder and holder.released) else None

    @property
    def number(self) -> int:
        """Of the lock's state while we hold it; then of :meth:`idle`, until others take it."""
        return self._number

    def follows(self, idle: int | None) -> bool:
        """Whether nobody else has held the lock since :meth:`idle` gave this number."""
        return idle is not None and self._number == idle + 1

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Send a request that only the holder may send: the lock is checked before and after.

        Raises:
            UnreachableError: it is not ours any more, or that cannot be known. If that is so after
                the request, someone else may have sent the same one.
        """
        self._check()
        yield
        self._check()

    def _check(self) -> None:
        if time.monotonic() - self._beaten > SECONDS_OF_TRUST:
            self._beat()  # we slept, or the store did: others may think that we are gone
        if self._series.numbers()[-1:] != [self._number]:
            raise UnreachableError(
                f"the lock of the dataset {self._dataset} was taken over, because this command "
                f"seemed to be gone; now: {_read(self._newest()[1]) or 'someone'}",
                "Type the same command again: what is done is not done twice.",
            )

    def release(self) -> None:
        """Let others take it. Never fails: others take over a lock that could not be released."""
        self._over.set()
        with self._writing, contextlib.suppress(UnreachableError):
            if self._mine:
                self._mine = replace(self._mine, released=True)
                self._write()
        self._mine = None

    def _pause(self, seconds: float) -> float:
        """Wait for so long. Returns how long to wait next time."""
        if self._stop.wait(seconds):
            raise KeyboardInterrupt
        return min(seconds * 1.5, SECONDS_BETWEEN_LOOKS[1])

    def _take(self, number: int, me: Holder, until: float) -> bool:
        if not self._series.write_after(number - 1, me):
            return False
        pause = SECONDS_BETWEEN_LOOKS[0]
        # What was written just now may not be listed yet.
        while max(numbers := self._series.numbers(), default=0) < number:
            if time.monotonic() >= until:
                break
            pause = self._pause(pause)
        if numbers[-1:] != [number]:
            # Others took it, and removed the number that we wrote again, since we looked.
            self._store.delete(self._series.key(number))
            return False
        self._number, self._mine, self._beaten = number, me, time.monotonic()
        self._over = threading.Event()
        threading.Thread(target=self._live, args=(self._over,), daemon=True).start()
        for old in numbers[:-1]:
            self._store.delete(self._series.key(old))
        return True

    def _live(self, over: threading.Event) -> None:
        while not over.wait(SECONDS_BETWEEN_SIGNS):
            with contextlib.suppress(UnreachableError):  # the next check tries again, and raises
                self._beat()

    def _beat(self) -> None:
        with self._writing:
            if self._mine and not self._mine.released:
                self._mine = replace(self._mine, beat=self._mine.beat + 1)
                self._write()
                self._beaten = time.monotonic()

    def _write(self) -> None:
        assert self._mine
        self._store.put(self._series.key(self._number), self._series.encode(self._mine))

    def _newest(self) -> tuple[int, bytes]:
        """Number and content of the lock's state; 0 where nobody ever took it."""
        numbers = self._series.numbers()
        if not numbers:
            return 0, b""
        try:
            return numbers[-1], self._store.get(self._series.key(numbers[-1]))
        except KeyError:  # removed since: a newer one is there, or is listed soon
            return numbers[-1], b""

    def _held(self, holder: Holder | None) -> UnreachableError:
        hint = "Wait for its end and type the same command again"
        if holder and holder.machine == this_machine():
            hint += f"; if it hangs, end it: kill {holder.pid}"
        return UnreachableError(
            f"the dataset {self._dataset} is in use: {holder or 'someone holds its lock'}",
            f"{hint}. To wait longer: --set store.lock_timeout=3600",
        )


def _read(body: bytes) -> Holder | None:
    """``None`` where this version of annoloop cannot read it."""
    try:
        holder: Holder = from_json(Holder, body)
    except WrongRecord:
        return None
    return holder
