"""What `${...}` stands for in the stack file: a variable, a file, an entry of a keyring or cloud.

None of the errors repeats a value.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from annolooop.config.secrets.secrets import CloudSecrets
from annolooop.config.text import NotText, read_text
from annolooop.errors import ConfigError, install_extra

MASK = "********"

_REFERENCE = re.compile(
    r"\$\$"
    r"|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<operator>:-|:\?)(?P<rest>[^}]*))?\}"
    r"|\$\{(?P<kind>file|keyring|(?:aws|gcp|azure)-secret):(?P<what>[^}]*)\}"
    r"|(?P<odd>\$\{\w{0,20}:?)"  # no more of it: someone may have put a token between the braces
)


@dataclass(frozen=True)
class Filled:
    """A text with its references filled in.

    Attributes:
        text: the text.
        origins: what it was filled from: ``env:NAME``, ``file:PATH``, ``keyring:SERVICE/NAME``,
            ``aws-secret:NAME``.
        secret: part of it came from a file, a keyring or a cloud, so it is not to be shown.
    """

    text: str
    origins: tuple[str, ...]
    secret: bool


class References:
    """Fills in references.

    Args:
        environ: the variables.
        folder: the project folder, against which paths are resolved.
        lenient: put a mask where a file, a keyring or a cloud would be asked, or where a variable
            is not set: for a look at the other values, which must be quick and must not fail.
    """

    def __init__(self, environ: Mapping[str, str], folder: Path, lenient: bool = False) -> None:
        self._environ = environ
        self._folder = folder
        self._lenient = lenient
        self.files_outside = False  # whether files outside of the folder may be read
        self._clouds = CloudSecrets()

    def fill(self, text: str, where: str) -> Filled:
        """Fill in a text.

        Args:
            text: as it is written in the stack file.
            where: file, line and key, for errors.

        Raises:
            ConfigError: a reference cannot be filled in.
            UnreachableError: the cloud that keeps a secret does not answer.
        """
        variables: list[str] = []
        origins: list[str] = []

        def value(match: re.Match[str]) -> str:
            if match[0] == "$$":
                return "$"
            if match["odd"]:
                return self._odd(match["odd"], where)
            if match["kind"]:
                origins.append(f"{match['kind']}:{match['what']}")
                return self._secret(match["kind"], match["what"], where)
            variables.append(match["name"])
            return self._variable(match, where)

        filled = _REFERENCE.sub(value, text)
        from_variables = [f"env:{','.join(variables)}"] if variables else []
        return Filled(filled, (*from_variables, *origins), bool(origins))

    def _variable(self, match: re.Match[str], where: str) -> str:
        name, operator, rest = match["name"], match["operator"], match["rest"]
        value = self._environ.get(name)
        if value:
            return value
        if operator == ":-":
            return str(rest)
        if self._lenient:
            return MASK
        reason = rest if operator == ":?" and rest else f"the variable {name} is not set"
        raise ConfigError(
            f"{where}: {reason}", f"Set it: export {name}=…, or put {name}=… into .env"
        )

    def _odd(self, text: str, where: str) -> str:
        if self._lenient:
            return text
        raise ConfigError(
            f"{where}: {text}… is no reference",
            "Write ${NAME}, ${NAME:-text}, ${NAME:?message}, ${file:PATH}, "
            "${keyring:SERVICE/NAME}, ${aws-secret:NAME}, ${gcp-secret:PROJECT/NAME} or "
            "${azure-secret:VAULT/NAME}; for a plain dollar sign write $$.",
        )

    def _secret(self, kind: str, what: str, where: str) -> str:
        if self._lenient:
            return MASK
        where = f"{where}: ${{{kind}:{what}}}"
        if "${" in what:
            raise ConfigError(f"{where}: a reference cannot hold another one", "Write it out.")
        if kind == "file":
            value = self._file(what, where)
        elif kind == "keyring":
            value = _keyring(what, where)
        else:
            value = self._clouds.get(kind, what, where)
        if "\0" in value:
            raise ConfigError(
                f"{where}: holds a zero byte, so it is not text", "Check its content."
            )
        return value

    def _file(self, path: str, where: str) -> str:
        try:
            file = (self._folder / Path(path).expanduser()).resolve()
            if not self.files_outside and not file.is_relative_to(self._folder.resolve()):
                raise ConfigError(
                    f"{where}: the file is outside of the project folder {self._folder}",
                    "If you trust this stack file, write this line into it, at its beginning: "
                    "allow_files_outside: true",
                )
            text = read_text(file).rstrip("\r\n")
        except NotText as error:
            raise ConfigError(f"{where}: {error.problem}", "Save it as UTF-8.") from None
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: ~ of an unknown user
            reason = getattr(error, "strerror", None) or "not a path"
            raise ConfigError(
                f"{where}: the file cannot be read: {reason}",
                "Paths start at the folder of the stack file. Put the value there, or correct it.",
            ) from None
        if not text:
            raise ConfigError(f"{where}: the file is empty", f"Put the value into it: {file}")
        return text


def _keyring(what: str, where: str) -> str:
    # A service is often an address, so what follows the last slash is the name.
    service, _, name = what.rpartition("/")
    if not service or not name:
        raise ConfigError(
            f"{where}: names no entry", "Write ${keyring:SERVICE/NAME}, for example label-studio/me"
        )
    try:
        import keyring
    except ImportError:
        raise ConfigError(
            f"{where}: the package keyring is not installed",
            f"Install it: {install_extra('keyring')}",
        ) from None
    try:
        value = keyring.get_password(service, name)
    except Exception as error:
        # A backend may raise anything, and its text is not known to be free of secrets.
        raise ConfigError(
            f"{where}: the keyring cannot be read ({type(error).__name__})",
            "See which one is used: keyring diagnose; unlock it, or use ${file:PATH}.",
        ) from None
    if not value:
        raise ConfigError(
            f"{where}: the keyring has no such entry",
            f"Make it: keyring set {quote(service)} {quote(name)}",
        )
    return value
