"""Which slow packages a command has loaded."""

import subprocess
import sys

CLOUDS = ("botocore", "google.auth", "azure.core")
LEARNING = ("torch", "torchvision", "sklearn", "scipy", "pandas", "plotly", "jinja2")
# The SDK only authenticates, and only those who have a personal access token.
SLOW = (*LEARNING, "label_studio_sdk", "fsspec", "asyncio", "filelock", "pygments", *CLOUDS)
HEAVY = (*SLOW, "numpy", "httpx")
PROBE = """
import sys
sys.argv = ["annoloop", *{words!r}]
from annolooop.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
sys.stderr.write("LOADED " + " ".join(m for m in {heavy!r} if m in sys.modules))
"""


def loaded(words: list[str], cwd: str | None = None) -> set[str]:
    probe = PROBE.format(words=words, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=cwd
    )
    return set(done.stderr.rpartition("LOADED ")[2].split())
