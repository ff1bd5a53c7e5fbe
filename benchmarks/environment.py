"""How fast Label Studio is installed: what `annoloop up` does, against pip alone.

Measured: wall time of `ensure_environment`, which installs with uv, over that of `python -m venv`
followed by `pip install` of the same version. Both install into a temporary folder that is removed,
and both with a cache that is empty: everything is fetched from the package index, which therefore
counts. pip also compiles what it installs to bytecode, as it does by itself; uv leaves that to the
first start of Label Studio.

Each is run once, pip first: whatever a proxy or the system keeps of the downloads helps uv. Give
--uv-first to turn this round. The ratio should be at most 0.5.

Run it: python benchmarks/environment.py [--uv-first]

Exit status: 0 within the target, 1 beyond it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from annolooop.config.schema import DEFAULT_LABEL_STUDIO
from annolooop.labelstudio.server.install import ensure_environment

TARGET = 0.5


def main() -> int:
    """Measure, print, and tell by the exit status whether the target is met."""
    parser = argparse.ArgumentParser(description="Time to install Label Studio over pip's.")
    parser.add_argument("--uv-first", action="store_true", help="default: pip first")
    uv_first = parser.parse_args().uv_first
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        os.environ["UV_CACHE_DIR"] = str(root / "uv-cache")
        os.environ["PIP_CACHE_DIR"] = str(root / "pip-cache")
        ways: dict[str, Callable[[], object]] = {
            "pip": lambda: with_pip(root / "pip"),
            "annoloop": lambda: ensure_environment(
                root / "annoloop", DEFAULT_LABEL_STUDIO, "benchmark", lambda _: None
            ),
        }
        taken = {}
        for name in sorted(ways, reverse=not uv_first):
            begun = time.perf_counter()
            ways[name]()
            taken[name] = time.perf_counter() - begun
            print(f"{name:<9} {taken[name]:7.1f} s", flush=True)
    ratio = taken["annoloop"] / taken["pip"]
    met = ratio <= TARGET
    print(f"ratio     {ratio:7.2f}")
    print(f"target: at most {TARGET}: {'met' if met else 'not met'}")
    return 0 if met else 1


def with_pip(folder: Path) -> None:
    """Install with pip into a new environment.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    wanted = f"label-studio=={DEFAULT_LABEL_STUDIO}"
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--no-input", wanted]
    subprocess.run(install, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
