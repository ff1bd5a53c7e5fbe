"""What libraries do to errors, and what is done about it."""

import os
import signal
from contextlib import suppress

import pytest

from annolooop.errors import keeping_interrupts


def test_an_interrupt_that_a_library_swallows_while_it_is_imported_is_not_lost() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), keeping_interrupts(), suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
