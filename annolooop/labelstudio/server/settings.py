"""What the local server is started with."""

import os
from collections.abc import Mapping
from pathlib import Path

from annolooop.labelstudio.api.views import OUR_TITLES
from annolooop.labelstudio.server.credentials import Credentials
from annolooop.labelstudio.server.page_host import ANY_NAME
from annolooop.labelstudio.server.port import HOST

KEPT_VARIABLES = ("HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "USERPROFILE")

HOSTS = (HOST, "localhost", ANY_NAME)  # by which a browser may ask for the server

ENDPOINTS = ("S3_ENDPOINT", "STORAGE_EMULATOR_HOST")  # servers of buckets that are not a cloud's


def server_environment(
    executable: Path,
    credentials: Credentials,
    port: int,
    document_root: Path,
    cloud: Mapping[str, str],
) -> dict[str, str]:
    """Everything the server may see. Any stray PORT, DEBUG or HOST would configure it."""
    kept = {k: os.environ[k] for k in KEPT_VARIABLES if k in os.environ}
    return {
        **kept,
        **cloud,
        "PATH": os.pathsep.join([str(executable.parent), os.defpath]),
        "PYTHONUNBUFFERED": "1",
        "ANNOLOOP_TABS": OUR_TITLES,
        "LABEL_STUDIO_PORT": str(port),
        "LABEL_STUDIO_USERNAME": credentials.username,
        "LABEL_STUDIO_PASSWORD": credentials.password,
        "LABEL_STUDIO_USER_TOKEN": credentials.token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(document_root),
        # Pages of other sites, and names that somebody points to 127.0.0.1, get no answer.
        "LABEL_STUDIO_ALLOWED_HOSTS": ",".join(HOSTS),
        "LABEL_STUDIO_CORS_ALLOW_ALL_ORIGINS": "false",
        "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
        "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
        "LABEL_STUDIO_SENTRY_DSN": "",
        "LABEL_STUDIO_FRONTEND_SENTRY_DSN": "",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        # Without it, adding one prediction costs a recount of the whole project.
        "fflag_fix_back_4620_memory_efficient_predictions_import_08012025_short": "true",
        # With it and `show_overlap_first`, a view's stream passes over tasks that others have open.
        "fflag_fix_back_lsdv_4523_show_overlap_first_order_27022023_short": "true",
    }
