"""AWS Secrets Manager."""

from typing import Any

from botocore import exceptions as boto
from botocore.config import Config
from botocore.session import Session

from annolooop.config.secrets import failed
from annolooop.config.secrets.failed import Failed, quiet


def fetch(name: str) -> str | bytes:
    quiet("botocore")
    session = Session()
    # Also for what the session asks to get credentials.
    session.set_default_client_config(
        Config(
            connect_timeout=failed.CONNECT_SECONDS,
            read_timeout=failed.READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 2},
        )
    )
    region = name.split(":")[3] if name.startswith("arn:") and name.count(":") > 3 else None
    try:
        client = session.create_client("secretsmanager", region_name=region or None)
        answer: dict[str, Any] = client.get_secret_value(SecretId=name)
    except boto.ClientError as error:
        raise _refusal(error.response) from None
    except (boto.HTTPClientError, boto.ConnectionError) as error:
        raise Failed("away", type(error).__name__) from None
    except boto.NoCredentialsError:
        raise Failed("nobody") from None
    except (boto.NoRegionError, boto.InvalidRegionError):
        hint = "Set it: export AWS_DEFAULT_REGION=…; or name the secret by its ARN."
        raise Failed("region", hint=hint) from None
    except boto.BotoCoreError as error:
        raise Failed("unknown", type(error).__name__) from None
    except RuntimeError:  # a session in variables that has expired
        raise Failed("unknown") from None
    found: str | bytes = answer.get("SecretString") or answer.get("SecretBinary", "")
    return found


def _refusal(response: Any) -> Failed:
    code = str(response["Error"].get("Code", ""))
    status = int(response["ResponseMetadata"].get("HTTPStatusCode", 0))
    if status >= 500 or "Throttl" in code:
        return Failed("away", code)
    if code == "ResourceNotFoundException":
        return Failed("missing")
    if code == "InvalidRequestException":  # it is to be deleted in some days
        return Failed("disabled")
    if "AccessDenied" in code or code in ("DecryptionFailure", "403"):
        return Failed("forbidden", code)
    return Failed("unknown", code)
