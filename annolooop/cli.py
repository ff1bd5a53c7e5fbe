"""The command line: its commands, the options of all of them, and the one error boundary."""

import errno
import inspect
import os
import re
import sys
from collections.abc import Callable
from contextvars import ContextVar
from shlex import quote
from typing import Annotated, Any

import typer
import typer.core

from annolooop import __version__, completion
from annolooop.commands import (
    backup,
    demo,
    doctor,
    down,
    infer,
    init,
    logs,
    report,
    restore,
    simulate,
    start,
    stats,
    status,
    sync,
    train,
    up,
)
from annolooop.commands import next as next_round
from annolooop.commands.cache import info, prune
from annolooop.commands.dataset import (
    accept,
    adopt,
    curve,
    delete,
    describe,
    duplicates,
    export,
    history,
    launch,
    review,
    sheet,
)
from annolooop.commands.dataset import list as dataset_list
from annolooop.commands.dataset import stats as dataset_stats
from annolooop.commands.model import list as model_list
from annolooop.commands.model import promote, rollback
from annolooop.commands.model import show as model_show
from annolooop.commands.stack import check as stack_check
from annolooop.commands.stack import copy, schema, use
from annolooop.commands.stack import list as stack_list
from annolooop.commands.stack import show as stack_show
from annolooop.commands.storage import check as storage_check
from annolooop.commands.storage import setup, teardown
from annolooop.console.console import Console, Options
from annolooop.errors import FULL, AnnoloopError, UnreachableError, UsageError, is_interrupt

# To look for plugins of pydantic is to read what every installed package says of itself.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


EVERYDAY, DATASET, MODEL, SETUP = "Everyday", "Dataset", "Model", "Set-up"
SECTIONS = (EVERYDAY, DATASET, MODEL, SETUP)  # of `annoloop --help`, in this order
COMMANDS = "Commands"  # the one section of a group's help
TYPED: ContextVar[tuple[str, ...]] = ContextVar("TYPED", default=())  # the words after `annoloop`


# Of Typer's own copy of click, or of click: what is wrong with the words that were typed.
WrongWords: Any = typer.BadParameter.__bases__[0]


class SectionedGroup(typer.core.TyperGroup):
    """A group whose help lists its commands by section."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take what comes before the command; an option of all commands goes after it."""
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except WrongWords as error:
            name = getattr(error, "option_name", "")
            if name in OPTIONS_OF_ALL:
                error.message = f"{name} goes after the command: {_moved(ctx, words)}"
            raise

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the sections."""
        sections: dict[str, list[tuple[str, Any]]] = {name: [] for name in (*SECTIONS, COMMANDS)}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                panel = getattr(command, "rich_help_panel", None)
                sections[panel if isinstance(panel, str) else COMMANDS].append((name, command))
        longest = max(len(name) for rows in sections.values() for name, _ in rows)
        for section, rows in sections.items():
            if rows:
                limit = formatter.width - 6 - longest
                with formatter.section(section):
                    formatter.write_dl(
                        [(name.ljust(longest), c.get_short_help_str(limit)) for name, c in rows]
                    )


class Command(typer.core.TyperCommand):
    """A command that says which option was meant where a word is one too many."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take all words after the command."""
        words = list(args)
        names: list[str] = []
        at = ctx
        while at.parent:
            names, at = [at.info_name, *names], at.parent
        TYPED.set((*names, *words))
        try:
            return super().parse_args(ctx, args)
        except WrongWords as error:
            odd = re.fullmatch(r"Got unexpected extra arguments? \((.+)\)", _one_line(error))
            option = next((p.opts[0] for p in self.params if p.name == TAKES_PLACE), None)
            written = odd and odd[1] in words and not os.path.lexists(odd[1])
            if odd and option and written and option not in words:
                line = f"{ctx.command_path} {option} {quote(odd[1])}"
                error.message = f"there is no argument {odd[1]}; did you mean {line}?"
            raise


def _one_line(error: Any) -> str:
    return str(error.message).replace("argument(s)", "arguments")


def _moved(ctx: Any, words: list[str]) -> str:
    """The line with the options that come before the command after it."""
    end = 0
    while end < len(words) and words[end].startswith("-"):
        end += 2 if words[end] in ("--stack", "--set") else 1
    return " ".join([ctx.command_path, *map(quote, [*words[end:], *words[:end]])])


def _group(name: str, help_text: str) -> typer.Typer:
    return typer.Typer(
        name=name,
        cls=SectionedGroup,
        help=_with_examples(help_text),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help: drawing a pretty one takes longer than all the rest
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _with_examples(text: str) -> str:
    """Help whose lines of examples are kept as they are, and not wrapped into one."""
    return inspect.cleandoc(text).replace("Examples:\n", "\b\nExamples:\n")


app = _group(
    "annoloop",
    """Label images in Label Studio, helped by a model that learns from the labels.

    Examples:
      annoloop start photos --labels cat,dog   # begin to label a folder
      annoloop next                            # learn, and ask the next ones
      annoloop report                          # how good the model is
    """,
)
stack_app = _group("stack", "List, choose, check and copy stack files.")
model_app = _group("model", "List model versions, and choose the current one.")
dataset_app = _group("dataset", "Annotate, check, export and delete datasets.")
cache_app = _group("cache", "Show the size of the cache, and delete what can be made again.")
storage_app = _group("storage", "Set up and check the bucket of the artifact store.")

StackOption = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="STACK",
        help="Stack file, or name of a stack in this folder.",
        autocompletion=completion.stacks,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set a value of the stack file for this run; repeatable.",
        autocompletion=completion.settings,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress and no hints.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show each request, and the time of each stage.")
]
OPTIONS_OF_ALL = ("--stack", "--set", "--json", "--quiet", "-q", "--verbose", "-v")
TAKES_PLACE = "out"  # the parameter for a file or a folder that is to be written
COMMON = {
    "stack_file": (StackOption, None),
    "overrides": (SetOption, None),
    "as_json": (JsonOption, False),
    "quiet": (QuietOption, False),
    "verbose": (VerboseOption, False),
}


def command(
    group: typer.Typer,
    run: Callable[..., Any],
    show: Callable[..., None],
    name: str | None = None,
    section: str | None = None,
) -> None:
    """Register a command. The options of all commands are added to its own.

    Args:
        group: the command's group.
        run: makes the report; its parameters after ``console`` are the command's.
        show: prints the report.
        name: of the command; the function's, unless given.
        section: of the help of ``annoloop`` in which it stands.
    """
    title = name or run.__name__

    def body(**values: Any) -> None:
        common = {key: values.pop(key) for key in COMMON}
        options = Options(
            common["stack_file"],
            tuple(common["overrides"] or ()),
            common["as_json"],
            common["quiet"],
            common["verbose"],
            title if group is app else f"{group.info.name} {title}",
            TYPED.get(),
        )
        _guarded(Console(options), run, show, values)

    own = [p for p in inspect.signature(run).parameters.values() if p.name != "console"]
    shared = [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for key, (kind, default) in COMMON.items()
    ]
    parameters = [*(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own), *shared]
    body.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    body.__annotations__ = {p.name: p.annotation for p in parameters}
    body.__doc__ = _with_examples(run.__doc__ or "")
    group.command(title, cls=Command, rich_help_panel=section)(body)


def _without_signatures(record: Any) -> bool:
    """A signed address opens an image for whoever has it: its signature is not logged."""
    record.args = tuple(
        value.copy_with(query=None)
        if any(mark in getattr(value, "query", b"") for mark in (b"ignature", b"sig="))
        else value
        for value in record.args
    )
    return True


def _quiet_libraries() -> None:
    """What libraries warn of is for those who write programs, and would stand amid the progress."""
    import logging
    import warnings

    logging.getLogger().addHandler(logging.NullHandler())
    warnings.showwarning = lambda *args, **named: None


def _guarded(
    console: Console, run: Callable[..., Any], show: Callable[..., None], values: dict[str, Any]
) -> None:
    """The error boundary: every way a command can end becomes an exit code.

    Ctrl-C is left to ``__main__``, which is there earlier.
    """
    if console.options.verbose:
        import logging

        # Each request to a server, without its headers.
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
        logging.getLogger("httpx").addFilter(_without_signatures)
    elif not sys.warnoptions:
        _quiet_libraries()
    try:
        report = run(console, **values)
        if console.options.json:
            console.json(report)
        else:
            show(console, report)
        code = getattr(report, "exit_code", 0)
    except AnnoloopError as error:
        console.error(error)
        raise typer.Exit(error.exit_code) from None
    except BrokenPipeError:
        # The reader has left; what is still in the buffer must not fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except typer.Exit:
        raise
    except Exception as error:
        if is_interrupt(error):
            raise KeyboardInterrupt from None
        if isinstance(error, OSError) and error.errno in FULL:
            full = UnreachableError(str(error), "Make room, then type the same command again.")
            console.error(full)
            raise typer.Exit(full.exit_code) from None
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            name = f"{str(error.filename)[:40]}…"
            long = UsageError(f"the name {name} is longer than any file's", "Name a shorter one.")
            console.error(long)
            raise typer.Exit(long.exit_code) from None
        import traceback

        # Without locals: they may hold tokens.
        traceback.print_exc(file=sys.stderr)
        sys.stderr.write("This is a bug in annoloop; please report the lines above.\n")
        raise typer.Exit(1) from None
    if code:
        raise typer.Exit(code)


def _version(ctx: typer.Context, requested: bool) -> None:
    if requested and not ctx.resilient_parsing:  # answering Tab
        sys.stdout.write(f"annoloop {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Takes what comes before the command."""


command(app, start.start, start.print_start, section=EVERYDAY)
command(app, next_round.next_, next_round.print_next, "next", section=EVERYDAY)
command(app, up.up, up.print_up, section=EVERYDAY)
command(app, infer.infer, infer.print_infer, section=EVERYDAY)
command(app, train.train, train.print_train, section=EVERYDAY)
command(app, stats.stats, stats.print_stats, section=EVERYDAY)
command(app, report.report, report.print_report, section=EVERYDAY)
app.add_typer(dataset_app, rich_help_panel=DATASET)
command(app, sync.sync, sync.print_sync, section=DATASET)
app.add_typer(model_app, rich_help_panel=MODEL)
command(app, simulate.simulate, simulate.print_simulate, section=MODEL)
command(app, init.init, init.print_init, section=SETUP)
command(app, doctor.doctor, doctor.print_checks, section=SETUP)
command(app, status.status, status.print_status, section=SETUP)
command(app, logs.logs, logs.print_logs, section=SETUP)
command(app, down.down, down.print_down, section=SETUP)
command(app, backup.backup, backup.print_backup, section=SETUP)
command(app, restore.restore, restore.print_restore, section=SETUP)
app.add_typer(stack_app, rich_help_panel=SETUP)
app.add_typer(storage_app, rich_help_panel=SETUP)
app.add_typer(cache_app, rich_help_panel=SETUP)
command(app, demo.demo, demo.print_demo, section=SETUP)
command(dataset_app, dataset_list.list_, dataset_list.print_list, "list")
command(dataset_app, dataset_stats.stats_of, stats.print_stats, "stats")
command(dataset_app, describe.describe, describe.print_describe)
command(dataset_app, history.history, history.print_history)
command(dataset_app, launch.launch, launch.print_launch)
command(dataset_app, adopt.adopt, adopt.print_adopt)
command(dataset_app, export.export, export.print_export)
command(dataset_app, accept.accept, accept.print_accept)
command(dataset_app, review.review, review.print_review)
command(dataset_app, sheet.sheet, sheet.print_sheet)
command(dataset_app, curve.curve, curve.print_curve)
command(dataset_app, duplicates.duplicates, duplicates.print_duplicates)
command(dataset_app, delete.delete, delete.print_delete)
command(model_app, model_list.list_, model_list.print_list, "list")
command(model_app, model_show.show, model_show.print_version)
command(model_app, promote.promote, promote.print_promote)
command(model_app, rollback.rollback, promote.print_promote)
command(stack_app, stack_list.list_, stack_list.print_list, "list")
command(stack_app, use.use, use.print_use)
command(stack_app, stack_show.show, stack_show.print_settings)
command(stack_app, stack_check.check, stack_check.print_check)
command(stack_app, copy.copy, copy.print_copy)
command(stack_app, schema.schema, schema.print_schema)
command(storage_app, setup.setup, setup.print_setup)
command(storage_app, storage_check.check, storage_check.print_check)
command(storage_app, teardown.teardown, teardown.print_teardown)
command(cache_app, info.info, info.print_info)
command(cache_app, prune.prune, prune.print_prune)


def main() -> None:
    """Entry point of ``annoloop``."""
    with completion.bash_spelling():
        app()
