"""Write the reference pages from the code: docs/cli.md, docs/stack.md, docs/stack.schema.json.

python docs/generate.py            write them
python docs/generate.py --check    write nothing; exit 1 if one of them is out of date
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import cleandoc
from pathlib import Path, PurePath
from typing import Any

import typer.main

from annolooop.cli import COMMON, app
from annolooop.config import stack_schema
from annolooop.loop.init import SCHEMA, schema_text
from annolooop.stack_choice import MARKER, SEARCHED, STACK_VARIABLE

DOCS = Path(__file__).resolve().parent
MEND = "python docs/generate.py"
PROGRAM = "annoloop"

# Typer's own, and different where it cannot tell which shell runs; the page has a sentence on them.
COMPLETION = ("install_completion", "show_completion")

OPTION_COLUMNS = ("option", "default", "meaning")

# Defaults that depend on the machine, in words.
MACHINE_DEFAULTS = {"cache_dir": "the user's cache folder"}

# Typer carries a click of its own, in a private module whose types may change: its commands and
# parameters are read by attribute only, by those that have stayed the same since 0.26.
Command = Any
Parameter = Any
Schema = Mapping[str, Any]

GENERATED = f"<!-- Written by `{MEND}`. Do not edit: change the code, or the generator. -->"

CLI_INTRO = f"""\
# Commands

{GENERATED}

A command prints its report to stdout, and progress, hints and errors to stderr. What the exit
codes mean is in the [README](../README.md#exit-codes). `{PROGRAM} --install-completion` sets up
completion for your shell, `{PROGRAM} --show-completion` prints it.
"""

CLI_COMMON = """\
## Options of every command

They come after the command: `annoloop train --json`, not `annoloop --json train`. With `--json`,
stdout holds the report as one JSON document and nothing else; an error is still text on stderr.
`annoloop init` reads no stack file and `annoloop demo` writes its own, so `--stack` does nothing
there.
"""

STACK_INTRO = f"""\
# The stack file

{GENERATED}

One YAML file describes one annotation loop. Every key is optional; a key that is not listed here
is an error. `annoloop init` writes a file with comments, `annoloop stack check` validates it, and
`annoloop stack show` prints every value in force and where it came from.

## Where it is looked for

1. the file that `--stack` names,
2. the file that the environment variable `{STACK_VARIABLE}` names,
3. the file that `annoloop stack use` chose for the current folder,
4. {" or ".join(f"`{name}`" for name in SEARCHED)} in the current folder, in this order.

Folders above the current one are not searched. `annoloop stack show` says which file it is, and
which of the four chose it.

## Several stacks in one folder

| file | name |
| --- | --- |
| `annoloop.yaml` | `annoloop` |
| `night.annoloop.yaml` | `night` |
| `configs/night.yaml` | `night`; `configs/night.yaml` if another file has that name |

`--stack` and `{STACK_VARIABLE}` take a name as well as a path; a file of exactly that path goes
first. `annoloop stack list` shows them with their datasets. `annoloop stack use night` makes one
the stack of this folder, and notes it in `{MARKER}`, a choice of your own that belongs into
`.gitignore`. Remove that file to be back at the usual names.

`annoloop stack copy night dusk` copies a file as it is, with its comments, and
`annoloop stack copy dusk` the one in force. Stacks of one folder may share a Label Studio and a
store, and by default do: they are told apart by `dataset.name`. Two stacks with the same
`dataset.name` are two sets of settings for one dataset, such as one for another device. For images
of another kind, change it in the copy.

## Relative paths

Relative paths start at the project folder: the folder that holds the stack file, or the folder
above it if the file lies in a folder called `configs`. `~` stands for your home folder.
A `label_studio.command` without a slash is the name of a program on the PATH.

## Variables and other references

Any value in the file may be a reference, or hold some in its text:

| form | becomes |
| --- | --- |
| `${{NAME}}` | the variable; an error if it is unset or empty |
| `${{NAME:-text}}` | the variable, or `text` if it is unset or empty |
| `${{NAME:?message}}` | the variable; an error that says `message` if it is unset or empty |
| `${{file:PATH}}` | the content of a text file (UTF-8), without newlines at its end |
| `${{keyring:SERVICE/NAME}}` | the entry of the keyring of this machine; see below |
| `$$` | one `$` |

Variables are taken from the environment and from a file `.env` in the project folder, which holds
lines of the form `NAME=value`. Where both have a variable, the environment wins, unless it is
empty there.

What follows `file:` or `keyring:` is taken as it is, up to the brace: it has no `:-text`, and holds
no other reference. A relative PATH starts at the project folder, `~` is your home folder. What
follows the last slash of SERVICE/NAME is the NAME. It is an error if there is no such file or
entry, or if it is empty. (`${{file:-text}}` is the variable called `file`.)

## Values for one run

`--set KEY=VALUE` sets one key for one run, by its dotted name, and may be repeated:

    annoloop train --set model.backbone=mobilenet_v2 --set model.weights=starter

It wins over the file. The value is read as YAML, so `--set 'dataset.labels=[cat, dog]'` is a list.
References are not filled in here. A list is set as a whole.

A setting that shapes the model belongs in the file. Set for one run of `train` only, it is back to
its old value in the next one, and `train --rerun` takes that for a change.

## Secrets

Keep tokens out of the stack file. Three places to put them:

    api_key: ${{LABEL_STUDIO_API_KEY}}           # the environment, or .env
    api_key: ${{file:~/.secrets/label-studio}}   # a file, such as those that Docker mounts
    api_key: ${{keyring:label-studio/me}}        # the keyring of your desktop

`annoloop init` writes a `.gitignore` that names `.env`. The keyring needs
`pip install 'annolooop[keyring]'`, and `keyring set label-studio me` puts a token into it.

`annoloop stack show` prints `********` for a token, and for any other value that came from a file
or from the keyring; its origin tells which. Only `api_key` is kept out of everything else that is
printed: an address or a folder is named in messages, wherever it came from. A token given with
`--set` ends up in the history of your shell, and in the list of processes.

## In an editor

An editor with a YAML language server completes and checks keys, because the first line of the file
names a JSON Schema by its path from there:

    # yaml-language-server: $schema={SCHEMA}

`annoloop init` writes that file beside the stack file. After an update of annoloop, renew it:
`annoloop stack schema > {SCHEMA}`. The editor marks a reference that stands where a
number belongs. annoloop accepts it.
"""


def main() -> int:
    """Write or check the pages. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Write the reference pages from the code.")
    parser.add_argument(
        "--check", action="store_true", help="Write nothing; exit 1 if a page is out of date."
    )
    check = parser.parse_args().check
    schema = stack_schema()
    pages = {
        "cli.md": build_cli_page(typer.main.get_command(app)),
        "stack.md": build_stack_page(schema),
        "stack.schema.json": schema_text(),
    }
    stale = [name for name, text in pages.items() if _read(DOCS / name) != text]
    for name in stale:
        if check:
            print(f"docs/{name} is not what the code says. Mend it: {MEND}", file=sys.stderr)
        else:
            (DOCS / name).write_text(pages[name], encoding="utf-8", newline="\n")
            print(f"wrote docs/{name}")
    return 1 if check and stale else 0


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


# -- commands ---------------------------------------------------------------------------------


def build_cli_page(root: Command) -> str:
    """The page of all commands."""
    commands = list(_walk(root, PROGRAM))
    shared = next(_common(command) for _, command in commands if _common(command))
    parts = [
        CLI_INTRO,
        _contents(commands),
        CLI_COMMON,
        _table(OPTION_COLUMNS, [*map(_option_row, shared), _help_row(root)]),
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
    parts += [f"{paragraph}\n" for paragraph in _paragraphs(command)]
    if arguments:
        rows = [(f"`{_metavar(p)}`", _argument_default(p), p.help or "") for p in arguments]
        parts.append(_table(("argument", "default", "meaning"), rows))
    if options:
        parts.append(_table(OPTION_COLUMNS, map(_option_row, options)))
    if below and path != PROGRAM:  # the program's own are listed at the top
        links = [(_link(f"{path} {name}"), _paragraphs(it)[0]) for name, it in below.items()]
        parts.append(_table(("command", "meaning"), links))
    return "\n".join(parts)


def _paragraphs(command: Command) -> list[str]:
    """A command's help: its paragraphs, each as one line."""
    text = cleandoc(command.help or "")
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


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


# -- the stack file ---------------------------------------------------------------------------


def build_stack_page(schema: Schema) -> str:
    """The page of all keys of the stack file."""
    sections: list[str] = []
    alone: list[tuple[str, Schema]] = []
    for name, found in schema["properties"].items():
        section = _section(found, schema)
        if section is None:
            alone.append((name, found))
        else:
            keys = [(f"{name}.{key}", value) for key, value in section["properties"].items()]
            sections += [f"## {name}\n", _keys_table(keys)]
    return "\n".join([STACK_INTRO, *sections, "## Keys without a section\n", _keys_table(alone)])


def _section(found: Schema, schema: Schema) -> Schema | None:
    """The schema of a section, or ``None`` for a plain key."""
    # Older versions of pydantic wrap a reference that has a default.
    reference = found.get("$ref") or next((part.get("$ref") for part in found.get("allOf", ())), "")
    section: Schema | None = schema["$defs"].get(str(reference).rpartition("/")[2])
    return section


def _keys_table(keys: Iterable[tuple[str, Schema]]) -> str:
    rows = [
        (f"`{key}`", _type_words(found), _default_words(key, found), _one_line(found))
        for key, found in keys
    ]
    return _table(("key", "type", "default", "meaning"), rows)


def _one_line(found: Schema) -> str:
    return " ".join(str(found["description"]).split())


def _default_words(key: str, found: Schema) -> str:
    if key in MACHINE_DEFAULTS:
        return MACHINE_DEFAULTS[key]
    value = found["default"]
    if value is None:
        return "none"
    if isinstance(value, list):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value}`"


def _type_words(found: Schema) -> str:
    """The type of a key in plain words.

    Raises:
        ValueError: there are no words for it yet.
    """
    if "anyOf" in found:
        kinds = [kind for kind in found["anyOf"] if kind.get("type") != "null"]
        return " or ".join([*map(_type_words, kinds), "nothing"])
    if "enum" in found:
        return f"one of {', '.join(f'`{value}`' for value in found['enum'])}"
    kind = found.get("type")
    if kind == "string":
        return _text_words(found)
    if kind in ("integer", "number"):
        words = "whole number" if kind == "integer" else "number"
        bounds = " and ".join(
            f"{word} {found[bound]}" for bound, word in _BOUNDS.items() if bound in found
        )
        return f"{words}, {bounds}" if bounds else words
    if kind == "array":
        return f"list of {_type_words(found['items'])}s"
    if kind == "boolean":
        return "`true` or `false`"
    raise ValueError(f"docs/generate.py has no words for the type {found}")


_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}


def _text_words(found: Schema) -> str:
    words = "secret text" if found.get("format") == "password" else "text"
    if "minLength" in found:
        words += f" of {found['minLength']} to {found['maxLength']} characters"
    if "pattern" in found:
        words += f" that matches `{found['pattern']}`"
    return words


# -- Markdown ---------------------------------------------------------------------------------


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
