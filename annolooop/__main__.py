"""Entry point: nothing is imported before Ctrl-C has an answer."""

import signal
import sys


def main() -> None:
    """Run ``annoloop``."""
    try:
        from annolooop.cli import main as run

        run()
    except KeyboardInterrupt:
        from annolooop.errors import INTERRUPTED

        sys.stderr.write(f"{INTERRUPTED}\n")
        sys.exit(130)
    finally:
        # All is said; what Python does at its end must not be disturbed.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
