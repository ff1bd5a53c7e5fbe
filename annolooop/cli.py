"""The command line: which commands there are, what all of them take, and the one error boundary."""

import inspect
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from annolooop import __version__, completion
from annolooop.commands import (
    demo,
    doctor,
    down,
    infer,
    init,
    logs,
    report,
    simulate,
    stats,
    status,
    sync,
    train,
    up,
)
from annolooop.commands.cache import info, prune
from annolooop.commands.dataset import (
    accept,
    adopt,
    curve,
    delete,
    describe,
    duplicates,
    export,
    launch,
    review,
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
from annolooop.console import Console, Options
from annolooop.errors import FULL, AnnoloopError, UnreachableError, is_interrupt

# To look for plugins of pydantic is to read what every installed package says of itself.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def _group(name: str, about: str) -> typer.Typer:
    return typer.Typer(
        name=name,
        help=about,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help: drawing a pretty one takes longer than all the rest
        context_settings={"help_option_names": ["-h", "--help"]},
    )


app = _group(
    "annoloop",
    "A continuous image-annotation loop around Label Studio.\n\n"
    "Start with: annoloop init, annoloop up, annoloop train, annoloop infer --batch FOLDER.",
)
stack_app = _group("stack", "Look at stack files, and choose one.")
model_app = _group("model", "Look at model versions, and put one in force.")
dataset_app = _group("dataset", "Look at datasets, annotate, export and delete them.")
cache_app = _group("cache", "See what is kept to save time, and make room.")
storage_app = _group("storage", "Set up and check the bucket of the artifact store.")

StackOption = Annotated[
    str | None,
    typer.Option(
        "--stack",
        metavar="STACK",
        help="Stack file, or the name of a stack of this folder.",
        autocompletion=completion.stacks,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set a value of the stack for this run; repeatable.",
        autocompletion=completion.settings,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no hints.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Show each request made.")]
COMMON = {
    "stack_file": (StackOption, None),
    "overrides": (SetOption, None),
    "as_json": (JsonOption, False),
    "quiet": (QuietOption, False),
    "verbose": (VerboseOption, False),
}


def command(
    group: typer.Typer, run: Callable[..., Any], show: Callable[..., None], name: str | None = None
) -> None:
    """Register a command: ``run(console, ...)`` makes a report, ``show`` prints it.

    The options that every command takes are added to ``run``'s own.
    """

    title = name or run.__name__

    def body(**given: Any) -> None:
        common = {key: given.pop(key) for key in COMMON}
        options = Options(
            common["stack_file"],
            tuple(common["overrides"] or ()),
            common["as_json"],
            common["quiet"],
            common["verbose"],
            title if group is app else f"{group.info.name} {title}",
        )
        _guarded(Console(options), run, show, given)

    own = [p for p in inspect.signature(run).parameters.values() if p.name != "console"]
    shared = [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for key, (kind, default) in COMMON.items()
    ]
    parameters = [*(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own), *shared]
    body.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    body.__annotations__ = {p.name: p.annotation for p in parameters}
    body.__doc__ = run.__doc__
    group.command(title)(body)


def _without_signatures(record: Any) -> bool:
    """A signed address opens an image for whoever has it: its signature is not logged."""
    record.args = tuple(
        value.copy_with(query=None)
        if any(mark in getattr(value, "query", b"") for mark in (b"ignature", b"sig="))
        else value
        for value in record.args
    )
    return True


def _guarded(
    console: Console, run: Callable[..., Any], show: Callable[..., None], given: dict[str, Any]
) -> None:
    """The error boundary: every way a command can end becomes an exit code.

    Ctrl-C is left to ``__main__``, which is there earlier.
    """
    if console.options.verbose:
        import logging

        # Each request to a server, without its headers.
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
        logging.getLogger("httpx").addFilter(_without_signatures)
    try:
        report = run(console, **given)
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
        import traceback

        # Without locals: they may hold tokens.
        traceback.print_exc(file=sys.stderr)
        sys.stderr.write("This is a bug in annoloop; please report the lines above.\n")
        raise typer.Exit(1) from None
    if code:
        raise typer.Exit(code)


def _version(ctx: typer.Context, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:  # answering Tab
        sys.stdout.write(f"annoloop {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Takes what comes before the command."""


command(app, init.init, init.show)
command(app, up.up, up.show_up)
command(app, down.down, down.show_down)
command(app, status.status, status.show_status)
command(app, logs.logs, logs.show_logs)
command(app, train.train, train.show)
command(app, infer.infer, infer.show)
command(app, sync.sync, sync.show)
command(app, stats.stats, stats.show_stats)
command(app, report.report, report.show)
command(app, doctor.doctor, doctor.show)
command(app, demo.demo, demo.show)
command(app, simulate.simulate, simulate.show)
command(stack_app, stack_list.list_, stack_list.show_list, "list")
command(stack_app, use.use, use.show_use)
command(stack_app, stack_show.show_stack, stack_show.show_settings, "show")
command(stack_app, stack_check.check, stack_check.show_check)
command(stack_app, copy.copy, copy.show_copy)
command(stack_app, schema.schema, schema.show_schema)
command(dataset_app, dataset_list.list_, dataset_list.show_list, "list")
command(dataset_app, dataset_stats.stats_of, stats.show_stats, "stats")
command(dataset_app, describe.describe, describe.show)
command(dataset_app, launch.launch, launch.show_launch)
command(dataset_app, adopt.adopt, adopt.show_adopted)
command(dataset_app, export.export, export.show)
command(dataset_app, accept.accept, accept.show)
command(dataset_app, review.review, review.show)
command(dataset_app, curve.curve, curve.show)
command(dataset_app, delete.delete, delete.show)
command(dataset_app, duplicates.duplicates, duplicates.show)
command(model_app, model_list.list_, model_list.show_list, "list")
command(model_app, model_show.show, model_show.show_version)
command(model_app, promote.promote, promote.show_promoted)
command(model_app, rollback.rollback, promote.show_promoted)
command(storage_app, setup.setup, setup.show_setup)
command(storage_app, storage_check.check, storage_check.show_check)
command(storage_app, teardown.teardown, teardown.show_teardown)
command(cache_app, info.info, info.show_info)
command(cache_app, prune.prune, prune.show_prune)
app.add_typer(stack_app)
app.add_typer(model_app)
app.add_typer(dataset_app)
app.add_typer(storage_app)
app.add_typer(cache_app)


def main() -> None:
    """Entry point of ``annoloop``."""
    with completion.bash_spelling():
        app()
