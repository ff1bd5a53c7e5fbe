"""Write the lock of a Label Studio version: what `annoloop up` installs, each file with its hash.

    .venv/bin/python deploy/lock_label_studio.py 1.23.2

It is for the Python and the kind of machine that run this: run it on each that is to have one.
"""

import os
import subprocess
import sys

from annolooop.config.schema import DEFAULT_LABEL_STUDIO
from annolooop.labelstudio.server.install import lock_file
from annolooop.packages import find_uv, pip_settings, uv_environment


def main() -> None:
    """Resolve a version's requirements anew, from the index that pip is set to."""
    version = sys.argv[1] if len(sys.argv) > 1 else DEFAULT_LABEL_STUDIO
    file = lock_file(version)
    resolver = find_uv()
    if resolver is None:
        sys.exit("uv is not here")
    options = ("--generate-hashes", "--no-header", "--no-annotate", "--quiet", "--upgrade")
    subprocess.run(
        [resolver, "pip", "compile", *options, "--python", sys.executable, "-o", str(file), "-"],
        input=f"label-studio=={version}\n",
        text=True,
        env=uv_environment(dict(os.environ), pip_settings(os.environ)),
        check=True,
    )
    sys.stdout.write(f"wrote {file}\n")


if __name__ == "__main__":
    main()
