"""The page of the commands, made from the command line itself."""

from collections.abc import Iterator, Sequence
from inspect import cleandoc
from pathlib import PurePath
from typing import Any

from markdown import GENERATED, PROGRAM, table

from annolooop.cli import COMMON

# Typer's own, and different where it cannot tell which shell runs; the page has a sentence on them.
COMPLETION = ("install_completion", "show_completion")

EXAMPLES = "\b\nExamples:\n"  # what begins the examples in a command's help
OPTION_COLUMNS = ("option", "default", "meaning")

# Typer carries a click of its own, in a private module whose types may change: its commands and
# parameters are read by attribute only, by those that have stayed the same since 0.26.
Command = Any
Parameter = Any

CLI_INTRO = f"""\
# Commands

{GENERATED}

A command prints its report to stdout, and progress, hints and errors to stderr. On a terminal,
lines are wrapped and tables fitted to its width; a pipe gets whole lines. `NO_COLOR`, `TERM=dumb`
and `COLUMNS` are respected. `{PROGRAM} --install-completion` sets up completion for your shell.

## Exit codes

| code | means | what to do |
| --- | --- | --- |
| 0 | done, or nothing to do | go on |
| 1 | a bug in {PROGRAM} | report it, with the lines that were printed |
| 2 | the command line is wrong; or `--dry-run`, `--check`, `storage setup` or `dataset accept` \
without `--yes` found work to do | read `--help` |
| 3 | the stack file, a variable, an installation or the access token is wrong | correct what the \
error names |
| 4 | Label Studio, the store or a download is out of reach, or refuses | check it, and try again |
| 5 | the data or the model does not allow it, such as too few labels | annotate more, or train \
again |
| 6 | `train --rerun` made a version that is worse than the current one; it is kept, and not \
current | look at the labels (`dataset review`), or insist (`--gate off`) |
| 6 | many answers are missing in Label Studio, or older than before; nothing was changed | \
`restore` brings them back, `sync --accept-loss` goes on without them |
| 130 | interrupted | type the same command again: it goes on from there |

## All commands
"""

CLI_COMMON = """\
## Options of every command

They come after the command: `annoloop train --json`, not `annoloop --json train`. With `--json`,
stdout holds the report as one JSON document and nothing else; an error is still text on stderr.
`annoloop init` reads no stack file and `annoloop demo` writes its own, so `--stack` does nothing
there.
"""


def build_cli_page(root: Command) -> str:
    """The page of all commands."""
    commands = list(_walk(root, PROGRAM))
    shared = next(_common(command) for _, command in commands if _common(command))
    parts = [
        CLI_INTRO,
        _contents(commands),
        CLI_COMMON,
        table(OPTION_COLUMNS, [*map(_option_row, shared), _help_row(root)]),
        *(_command_section(path, command) for path, command in commands),
    ]
    return "\n".join(parts)


def _walk(command: Command, path: str) -> Iterator[tuple[str, Command]]:
    yield path, command
    for name, below in _below(command).items():
        yield from _walk(below, f"{path} {name}")


def _below(command: Command) -> dict[str, Command]:
    """The commands of a group that are shown; of a plain command, none."""
    commands = getattr(command, "commands", {})
    return {name: below for name, below in commands.items() if not below.hidden}


def _common(command: Command) -> list[Parameter]:
    return [param for param in command.params if param.name in COMMON]


def _own(command: Command, kind: str) -> list[Parameter]:
    return [
        param
        for param in command.params
        if param.param_type_name == kind
        and not param.hidden
        and param.name not in (*COMMON, *COMPLETION)
    ]


def _contents(commands: Sequence[tuple[str, Command]]) -> str:
    lines = [f"- {_link(path)}: {_paragraphs(command)[0]}" for path, command in commands[1:]]
    return "\n".join(lines) + "\n"


def _command_section(path: str, command: Command) -> str:
    arguments, options = _own(command, "argument"), _own(command, "option")
    below = _below(command)
    usage = [path, "[OPTIONS]", *map(_argument_usage, arguments)]
    if below:
        usage.append("COMMAND [ARGS]...")
    parts = [f"## {path}\n", f"    {' '.join(usage)}\n"]
    summary, *more = _paragraphs(command)
    parts += [f"{summary}\n", *_examples(command), *(f"{paragraph}\n" for paragraph in more)]
    if arguments:
        rows = [(f"`{_metavar(p)}`", _argument_default(p), p.help or "") for p in arguments]
        parts.append(table(("argument", "default", "meaning"), rows))
    if options:
        parts.append(table(OPTION_COLUMNS, map(_option_row, options)))
    if below and path != PROGRAM:  # the program's own are listed at the top
        links = [(_link(f"{path} {name}"), _paragraphs(it)[0]) for name, it in below.items()]
        parts.append(table(("command", "meaning"), links))
    return "\n".join(parts)


def _paragraphs(command: Command) -> list[str]:
    """A command's help: its paragraphs without its examples, each as one line."""
    paragraphs = cleandoc(command.help or "").split("\n\n")
    return [" ".join(text.split()) for text in paragraphs if not text.startswith(EXAMPLES)]


def _examples(command: Command) -> list[str]:
    """A command's examples, as a block of code."""
    for text in cleandoc(command.help or "").split("\n\n"):
        if text.startswith(EXAMPLES):
            lines = text.removeprefix(EXAMPLES).rstrip().split("\n")
            return ["\n".join(["```sh", *(line.strip() for line in lines), "```", ""])]
    return []


def _link(path: str) -> str:
    return f"[`{path}`](#{path.replace(' ', '-')})"


def _help_row(root: Command) -> tuple[str, str, str]:
    """``--help``, which a command makes for itself only when it is run."""
    names = root.context_settings.get("help_option_names", ["--help"])
    return ", ".join(f"`{name}`" for name in names), "off", "Show the usage of a command, and end."


def _option_row(param: Parameter) -> tuple[str, str, str]:
    return _option_names(param), _option_default(param), param.help or ""


def _option_names(param: Parameter) -> str:
    value = "" if param.is_flag else f" {_metavar(param)}"
    names = sorted(param.opts, key=lambda name: (name.startswith("--"), name))
    spelled = [", ".join(f"`{name}{value}`" for name in names)]
    return " / ".join([*spelled, *(f"`{name}`" for name in param.secondary_opts)])


def _option_default(param: Parameter) -> str:
    if param.is_flag:
        return "on" if param.default else "off"
    return _argument_default(param)


def _argument_usage(param: Parameter) -> str:
    return _metavar(param) if param.required else f"[{_metavar(param)}]"


def _argument_default(param: Parameter) -> str:
    return "required" if param.required else _plain_default(param.default)


def _metavar(param: Parameter) -> str:
    return str(param.metavar or param.name.upper())


def _plain_default(value: object) -> str:
    if value is None:
        return "none"
    return f"`{value.as_posix() if isinstance(value, PurePath) else value}`"
