"""The page of the stack file, made from its schema."""

from collections.abc import Iterable, Mapping
from typing import Any

from markdown import GENERATED, table

from annolooop.config.choose import MARKER, SEARCHED, STACK_VARIABLE
from annolooop.loop.setup.init import SCHEMA

# Defaults that depend on the machine, in words.
MACHINE_DEFAULTS = {"cache_dir": "the user's cache folder"}

Schema = Mapping[str, Any]

STACK_INTRO = f"""\
# The stack file

{GENERATED}

One YAML file describes one annotation loop. Every key is optional; a key that is not listed here
is an error. `annoloop init` writes a file with comments, `annoloop stack check` validates it, and
`annoloop stack show` prints every value and where it came from.

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
first. `annoloop stack list` shows them with their datasets. `annoloop stack use night` chooses one
for this folder, and writes that into `{MARKER}`, your own choice, which belongs into
`.gitignore`. Remove that file to use the usual names again.

`annoloop stack copy night dusk` copies a file as it is, with its comments, and
`annoloop stack copy dusk` the chosen one. Stacks of one folder may share a Label Studio and a
store, and by default do: they are told apart by `dataset.name`. Two stacks with the same
`dataset.name` are two sets of settings for one dataset, such as one for another device. For another
dataset, change it in the copy.

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
| `${{file:PATH}}` | the content of a text file, without newlines at its end |
| `${{keyring:SERVICE/NAME}}` | the entry of the keyring of this machine; see below |
| `${{aws-secret:NAME}}` | the secret of AWS Secrets Manager; NAME may be its ARN |
| `${{gcp-secret:PROJECT/NAME}}` | the latest version of the secret of Google Secret Manager |
| `${{gcp-secret:PROJECT/NAME/VERSION}}` | this version of it |
| `${{azure-secret:VAULT/NAME}}` | the secret of Azure Key Vault; VAULT: its name, or its host |
| `${{aws-secret:NAME#key}}` | one key of a secret that is a JSON object; so in all clouds |
| `$$` | one `$` |

Variables are taken from the environment and from a file `.env` in the project folder, which holds
lines of the form `NAME=value`. Where both have a variable, the environment wins, unless it is
empty there. The stack file, `.env` and files of secrets are UTF-8, or UTF-16 with its mark at the
beginning.

What follows `file:`, `keyring:` or a cloud is taken as it is, up to the brace: it has no `:-text`,
and holds no other reference. A relative PATH starts at the project folder, `~` is your home folder;
files outside of the project folder need `allow_files_outside: true`.
What follows the last slash of SERVICE/NAME is the NAME. It is an error if there is no such file,
entry or secret, or if it is empty. (`${{file:-text}}` is the variable called `file`.)

## Values for one run

`--set KEY=VALUE` sets one key for one run, by its dotted name, and may be repeated:

    annoloop train --set model.backbone=mobilenet_v2 --set model.weights=starter

It wins over the file. The value is read as YAML, so `--set 'dataset.labels=[cat, dog]'` is a list.
References are not filled in here. A list is set as a whole.

A setting that shapes the model belongs in the file. Set for one run of `train` only, it is back to
its old value in the next one, and `train --rerun` takes that for a change.

## Secrets

Keep tokens out of the stack file. Places to put them:

    api_key: ${{LABEL_STUDIO_API_KEY}}           # the environment, or .env
    api_key: ${{file:secrets/label-studio}}   # a file, such as those that Docker mounts
    api_key: ${{keyring:label-studio/me}}        # the keyring of your desktop
    api_key: ${{aws-secret:team/labels#api_key}} # a cloud, where a team shares it

`annoloop init` writes a `.gitignore` that names `.env`. The keyring needs
`pip install 'annolooop[keyring]'`, and `keyring set label-studio me` puts a token into it.

Secrets of a cloud need an extra too, and credentials that the cloud's own library finds on this
machine (in the environment, not in `.env`). A secret is fetched when a command loads the stack
file, once for each command.

- AWS: `pip install 'annolooop[aws-secrets]'`. The AWS configuration says who and in which region:
  `aws configure`, `aws sso login`, `AWS_PROFILE`.
- Google: `pip install 'annolooop[gcp-secrets]'`, and `gcloud auth application-default login` or
  `GOOGLE_APPLICATION_CREDENTIALS`.
- Azure: `pip install 'annolooop[azure-secrets]'`, and `az login`, or `AZURE_TENANT_ID`,
  `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`.

`AWS_ENDPOINT_URL_SECRETS_MANAGER`, and `CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER` for Google,
name another endpoint.

`annoloop stack show` prints `********` for a token, and for any other value that came from a file,
from the keyring or from a cloud; its origin tells which. Only `api_key` is kept out of everything
else that is printed: an address or a folder is named in messages, wherever it came from. A token
given with `--set` ends up in the history of your shell, and in the list of processes.

## In an editor

An editor with a YAML language server completes and checks keys, because the first line of the file
names a JSON Schema by its path from there:

    # yaml-language-server: $schema={SCHEMA}

`annoloop init` writes that file beside the stack file. After an update of annoloop, renew it:
`annoloop stack schema > {SCHEMA}`. The editor marks a reference that stands where a
number belongs. annoloop accepts it.
"""


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
    return table(("key", "type", "default", "meaning"), rows)


def _one_line(found: Schema) -> str:
    return " ".join(str(found["description"]).split())


def _default_words(key: str, found: Schema) -> str:
    if key in MACHINE_DEFAULTS:
        return MACHINE_DEFAULTS[key]
    value = found["default"]
    if value is None or value in ("", {}):
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
        words = [_type_words(kind) for kind in kinds]
        return " or ".join(words if kinds == found["anyOf"] else [*words, "nothing"])
    if "const" in found:
        return f"`{found['const']}`"
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
    if kind == "object":
        return f"keys, each with a {_type_words(found['additionalProperties'])}"
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
