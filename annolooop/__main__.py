"""Entry point: nothing is imported before Ctrl-C has an answer."""

import contextlib
import gc
import os
import signal
import sys

INTERRUPTED = 130
YOUNG = 20_000  # objects made before the collector looks at them: imports make many, that stay


def main() -> None:
    """Run ``annoloop``; Ctrl-C at any moment ends it with one line and 130."""
    code: object = 0
    gc.set_threshold(YOUNG)
    try:
        from annolooop.cli import main as run

        run()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as end:
        code = end.code
    except Exception as error:
        from annolooop.errors import is_interrupt

        if not is_interrupt(error):
            raise
        code = INTERRUPTED
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done, and once is enough
    if code == INTERRUPTED:
        sys.stderr.write(
            "Interrupted; what was finished is kept. Type the same command to go on.\n"
        )
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        sys.stderr.flush()
        # Python would otherwise end by the signal where it came while a module was imported.
        os._exit(INTERRUPTED)
    sys.exit(code)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
