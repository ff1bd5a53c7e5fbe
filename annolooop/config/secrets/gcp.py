"""Google Secret Manager."""

import os
from shlex import quote
from typing import Any

import google.auth
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from requests.exceptions import RequestException

from annolooop.config.secrets import failed
from annolooop.config.secrets.failed import Failed, in_time, quiet


def fetch(project: str, name: str, version: str | None) -> str | bytes:
    quiet("google.auth", "google.api_core")
    # Google's libraries have no variable for this; its command line has.
    endpoint = os.environ.get("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", "").rstrip("/")
    path = f"projects/{project}/secrets/{name}/versions/{version or 'latest'}"

    def login() -> Any:
        return google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])[0]

    def ask() -> bytes:
        client = SecretManagerServiceClient(
            credentials=credentials,
            transport="rest",
            client_options={"api_endpoint": endpoint} if endpoint else None,
        )
        answer = client.access_secret_version(
            name=path, retry=None, timeout=failed.CONNECT_SECONDS + failed.READ_SECONDS
        )
        return bytes(answer.payload.data)

    try:
        credentials = in_time(login, "nobody")
        return in_time(ask)
    except auth.DefaultCredentialsError:
        if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):  # the file that it names is no good
            raise Failed("unknown", "GOOGLE_APPLICATION_CREDENTIALS") from None
        raise Failed("nobody") from None
    except (auth.TransportError, RequestException) as error:
        raise Failed("away", type(error).__name__) from None
    except (auth.GoogleAuthError, api.Unauthorized) as error:
        raise Failed("unknown", type(error).__name__) from None
    except api.Forbidden as error:
        if error.reason == "SERVICE_DISABLED":
            on = f"gcloud services enable secretmanager.googleapis.com --project {quote(project)}"
            raise Failed("forbidden", "the project has it switched off", f"Type: {on}") from None
        raise Failed("forbidden") from None
    except api.NotFound:
        raise Failed("missing") from None
    except api.BadRequest as error:  # a version that is disabled or destroyed
        raise Failed("disabled", type(error).__name__) from None
    except (api.GoogleAPICallError, api.RetryError) as error:
        raise Failed("away", type(error).__name__) from None
