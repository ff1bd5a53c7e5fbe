"""Label Studio's settings, and ours on top of them. They are run in its own environment."""

import django

SENTRY_DSN = ""  # Label Studio's own settings ask for it while they are read
from label_studio.core.settings.base import *  # noqa: E402, F403
from label_studio.core.settings.label_studio import *  # noqa: E402, F403
from label_studio.core.settings.label_studio import DATABASES, MIDDLEWARE  # noqa: E402

MIDDLEWARE = [
    "annoloop_pages.QueueStays",
    "annoloop_pages.KeysLabel",
    *MIDDLEWARE,
    "annoloop_review.Reviews",  # it asks who it is
]

if DATABASES["default"]["ENGINE"].endswith("sqlite3") and django.VERSION >= (5, 1):
    # A transaction that begins by reading and then writes cannot wait for another that writes: it
    # fails, and the whole request begins again, for up to 14 seconds with eight people. So each
    # takes its turn at its beginning.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=wal;",
    }
