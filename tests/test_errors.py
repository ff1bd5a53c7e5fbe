"""What libraries do to errors, and what is done about it."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from annolooop.errors import install_extra, keeping_interrupts


def test_an_interrupt_that_a_library_swallows_while_it_is_imported_is_not_lost() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), keeping_interrupts(), suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("receipt", "way"), [(False, "pip"), (True, "uv tool")])
def test_extra_is_installed_as_the_program_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receipt: bool, way: str
) -> None:
    if receipt:
        (tmp_path / "uv-receipt.toml").touch()
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    assert install_extra("s3") == f"{way} install 'annolooop[s3]'"
