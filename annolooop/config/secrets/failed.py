"""Why a cloud gives no secret, in the same words for all clouds."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as OutOfTime
from threading import Thread
from typing import Literal, TypeVar

CONNECT_SECONDS = 3
READ_SECONDS = 4
ALL_SECONDS = 10

Found = TypeVar("Found")
Trouble = Literal["nobody", "unknown", "region", "forbidden", "missing", "disabled", "away"]


class Failed(Exception):
    """Why there is no secret.

    Attributes:
        trouble: ``nobody``: there are no credentials; ``unknown``: they are wrong or have expired;
            ``region``: none is set; ``forbidden``: they do not suffice; ``missing``,
            ``disabled``: the secret is; ``away``: no answer.
        detail: a code or the name of an error, if it says more.
        hint: what to type, if it differs from the usual.
    """

    def __init__(self, trouble: Trouble, detail: str = "", hint: str = "") -> None:
        super().__init__(trouble, detail)
        self.trouble = trouble
        self.detail = f" ({detail})" if detail else ""
        self.hint = hint


def in_time(ask: Callable[[], Found], trouble: Trouble = "away") -> Found:
    """Call a function that may wait long, such as for a server that only a cloud's machines have.

    Raises:
        Failed: it takes more than :data:`ALL_SECONDS`; with this trouble.
    """
    done: Future[Found] = Future()

    def run() -> None:
        try:
            done.set_result(ask())
        except BaseException as error:
            done.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return done.result(ALL_SECONDS)
    except OutOfTime:
        raise Failed(trouble, f"waited {ALL_SECONDS} s") from None


def quiet(*loggers: str) -> None:
    """Let libraries log nothing: their lines about a failure would stand above our message."""
    for name in loggers:
        logging.getLogger(name).setLevel(logging.CRITICAL)
