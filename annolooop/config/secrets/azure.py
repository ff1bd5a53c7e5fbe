"""Azure Key Vault."""

import re
from typing import Any

from azure.core import exceptions as azure
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

from annolooop.config.secrets import failed
from annolooop.config.secrets.failed import Failed, in_time, quiet


def fetch(vault: str, name: str) -> str | bytes:
    quiet("azure")
    limits: dict[str, Any] = {
        "connection_timeout": failed.CONNECT_SECONDS,
        "read_timeout": failed.READ_SECONDS,
        "retry_total": 1,
    }
    host = vault if "." in vault else f"{vault}.vault.azure.net"

    def ask() -> str:
        with DefaultAzureCredential(process_timeout=failed.ALL_SECONDS, **limits) as credential:
            client = SecretClient(f"https://{host}", credential, **limits)
            return client.get_secret(name).value or ""

    try:
        return in_time(ask)
    except azure.ResourceNotFoundError:
        raise Failed("missing") from None
    except azure.ClientAuthenticationError as error:
        # What it tried, the library tells in words only; a code comes from the login service.
        code = re.search(r"AADSTS\d+", error.message)
        if code or error.response is not None:
            raise Failed("unknown", code[0] if code else "") from None
        raise Failed("nobody") from None
    except azure.HttpResponseError as error:
        if error.status_code != 403:
            raise Failed("away", f"HTTP {error.status_code}") from None
        inner = (error.error and error.error.innererror) or {}
        if inner.get("code") == "SecretDisabled":
            raise Failed("disabled") from None
        raise Failed("forbidden", str(inner.get("code") or "")) from None
    except azure.AzureError as error:
        raise Failed("away", type(error).__name__) from None
