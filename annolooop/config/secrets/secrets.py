"""Secrets that are kept in a cloud: AWS Secrets Manager, Google Secret Manager, Azure Key Vault.

Each library finds the credentials of this machine by itself, and is imported when a stack file
names such a secret. What a cloud answers is not repeated in an error: it may hold part of a token.
"""

import json
import re
from dataclasses import dataclass
from importlib import import_module
from shlex import quote

from annolooop.config.secrets.failed import Failed
from annolooop.errors import ConfigError, UnreachableError, install_extra


@dataclass(frozen=True)
class _Cloud:
    """A cloud's secret manager, and what to type.

    Attributes:
        name: of its secret manager.
        module: the file that asks it; also part of the name of the extra that it needs.
        form: of the name of a secret, each part a group.
        example: a reference.
        login: how this machine gets credentials.
        allow: the right that is needed.
        list_command: lists its secrets; ``{0}``, ``{1}``: the parts of the name.
    """

    name: str
    module: str
    form: re.Pattern[str]
    example: str
    login: str
    allow: str
    list_command: str


_CLOUDS = {
    "aws-secret": _Cloud(
        name="AWS Secrets Manager",
        module="aws",
        form=re.compile(r"([\w/+=.@:!-]+)", re.ASCII),
        example="${aws-secret:NAME} or ${aws-secret:NAME#key}; NAME may be an ARN",
        login="Type: aws configure, or aws sso login; or set AWS_PROFILE.",
        allow="secretsmanager:GetSecretValue, and kms:Decrypt if it has a key of your own, "
        "for whom `aws sts get-caller-identity` names.",
        list_command="aws secretsmanager list-secrets",
    ),
    "gcp-secret": _Cloud(
        name="Google Secret Manager",
        module="gcp",
        form=re.compile(r"([\w.:-]+)/([\w-]+)(?:/([\w-]+))?", re.ASCII),
        example="${gcp-secret:PROJECT/NAME}, ${gcp-secret:PROJECT/NAME/VERSION}, each with #key",
        login="Type: gcloud auth application-default login; or set "
        "GOOGLE_APPLICATION_CREDENTIALS to a key file.",
        allow="the role roles/secretmanager.secretAccessor on the secret.",
        list_command="gcloud secrets list --project {0}",
    ),
    "azure-secret": _Cloud(
        name="Azure Key Vault",
        module="azure",
        form=re.compile(r"([\w-]+(?:\.[\w-]+)*(?::\d+)?)/([\w-]+)", re.ASCII),
        example="${azure-secret:VAULT/NAME} or ${azure-secret:VAULT/NAME#key}",
        login="Type: az login; or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.",
        allow="the role Key Vault Secrets User on the vault; see its firewall too.",
        list_command="az keyvault secret list --vault-name {0}",
    ),
}


class CloudSecrets:
    """Secrets of the clouds; each is fetched once."""

    def __init__(self) -> None:
        self._fetched: dict[tuple[str, str], str] = {}

    def get(self, kind: str, what: str, where: str) -> str:
        """A secret, or one key of a secret that is a JSON object.

        Args:
            kind: ``aws-secret``, ``gcp-secret`` or ``azure-secret``.
            what: the name of the secret; after a ``#``, the key.
            where: file, line, key and reference, for errors.

        Raises:
            ConfigError: there is no such secret, or this machine is not given it.
            UnreachableError: the cloud does not answer.
        """
        cloud = _CLOUDS[kind]
        name, mark, key = what.partition("#")
        match = cloud.form.fullmatch(name)
        if not match or (mark and not key):
            raise ConfigError(f"{where}: names no secret", f"Write {cloud.example}")
        if (kind, name) not in self._fetched:
            self._fetched[kind, name] = _text_of(cloud, match.groups(), where)
        text = self._fetched[kind, name]
        value = (_value_of(text, key, where) if key else text).rstrip("\r\n")
        if not value:
            raise ConfigError(f"{where}: the secret is empty", "Give it a value.")
        return value


def _value_of(text: str, key: str, where: str) -> str:
    try:
        values = json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise ConfigError(
            f"{where}: the secret is not a JSON object", "Leave out # and what follows it."
        )
    if key not in values:
        raise ConfigError(
            f"{where}: the secret has no such key", "Correct what follows the #, or add the key."
        )
    if not isinstance(values[key], str):
        raise ConfigError(
            f"{where}: the value of the key is not text", "Name a key whose value is text."
        )
    return str(values[key])


def _text_of(cloud: _Cloud, parts: tuple[str, ...], where: str) -> str:
    try:
        secret = import_module(f"annolooop.config.secrets.{cloud.module}").fetch(*parts)
        return secret if isinstance(secret, str) else secret.decode()
    except UnicodeDecodeError:
        raise ConfigError(
            f"{where}: the secret is not text", "Store it as text (UTF-8), such as base64."
        ) from None
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{where}: the package {error.name} is not installed",
            f"Install it: {install_extra(f'{cloud.module}-secrets')}",
        ) from None
    except Failed as failed:
        raise _error(cloud, parts, where, failed) from None


def _error(cloud: _Cloud, parts: tuple[str, ...], where: str, failed: Failed) -> Exception:
    list_command = cloud.list_command.format(*(quote(part or "") for part in parts))
    reason, hint = {
        "nobody": (f"this machine has no credentials for {cloud.name}", cloud.login),
        "unknown": ("the credentials of this machine are wrong or have expired", cloud.login),
        "region": ("no region is set, or it is not a region", ""),
        "forbidden": ("access is refused", f"Allow it: {cloud.allow}"),
        "missing": ("there is no such secret", f"List them: {list_command}"),
        "disabled": (
            "it is disabled or deleted",
            f"Restore it, or name another one: {list_command}",
        ),
        "away": (
            f"{cloud.name} does not answer",
            "Check the name and the network, then type the same command again.",
        ),
    }[failed.trouble]
    kind = UnreachableError if failed.trouble == "away" else ConfigError
    return kind(f"{where}: {reason}{failed.detail}", failed.hint or hint)
