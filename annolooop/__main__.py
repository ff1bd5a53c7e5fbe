"""Entry point: nothing is imported before Ctrl-C has an answer."""

import contextlib
import gc
import io
import os
import signal
import sys

USAGE, INTERRUPTED = 2, 130
YOUNG = 20_000  # objects made before the collector looks at them: imports make many, that stay


def main() -> None:
    """Run ``annoloop``; Ctrl-C at any moment ends it with one line and 130."""
    code: object = 0
    gc.set_threshold(YOUNG)
    try:
        _take_names_as_utf8()
        _open_streams()
        _forget_this_folder()
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


def _forget_this_folder() -> None:
    """A file of the working directory is no module of ours, although ``python -m`` finds it."""
    try:
        here = os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        sys.stderr.write("error: the folder that you are in was removed\nfix:   Go home: cd\n")
        sys.exit(USAGE)
    if sys.path[:1] == [here]:
        del sys.path[0]


def _take_names_as_utf8() -> None:
    """Begin again in Python's UTF-8 mode, where the locale has another encoding.

    A key is the bytes of a file's name as UTF-8. In another encoding, the same file would have
    another key, and get a second task. What is printed stays in the encoding of the terminal.
    """
    if sys.getfilesystemencoding() == "utf-8" or not sys.executable:
        return
    if sys.stdout is not None:
        os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding)
    arguments = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
    os.execv(sys.executable, arguments)


def _open_streams() -> None:
    """Whoever closed a stream gets one that leads nowhere; what it cannot print is escaped."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            # As this number: the next file that is opened would have it otherwise.
            opened = os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            mode = "r" if number == 0 else "w"
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
        if number and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
