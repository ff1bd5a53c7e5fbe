"""The benchmarks run, and their figures end up in one table."""

import json
import subprocess
import sys
from pathlib import Path

RUN_ALL = Path(__file__).parents[1] / "benchmarks" / "run_all.py"


def test_smoke_run_fills_the_table_and_keeps_the_rows_of_others(tmp_path: Path) -> None:
    kept = tmp_path / "benchmarks.json"
    figure = {"name": "pushed", "over": "a over b", "values": "1 over 2", "ratio": 0.5}
    ran = {"status": 1, "date": "then", "annoloop": "0", "machine": "m", "versions": "v"}
    kept.write_text(json.dumps({"push": {**ran, "figures": [{**figure, "target": 0.9}]}}))
    words = [sys.executable, str(RUN_ALL), "--smoke", "--into", str(tmp_path), "cli_start"]
    subprocess.run(words, check=False, timeout=120)
    assert list(json.loads(kept.read_text())) == ["cli_start", "push"]
    page = (tmp_path / "benchmarks.md").read_text()
    assert "| pushed (`push.py`) | a over b | 1 over 2 | 0.5 | at least 0.9 | **no** |" in page
    assert "| `annoloop --help` (`cli_start.py`) | time of the process over" in page
    assert "| it failed" not in page


def test_script_that_fails_says_so_in_its_row(tmp_path: Path) -> None:
    nowhere = ["--command", str(tmp_path / "nowhere"), "push"]
    words = [sys.executable, str(RUN_ALL), "--smoke", "--into", str(tmp_path), *nowhere]
    done = subprocess.run(words, check=False, timeout=120, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    page = (tmp_path / "benchmarks.md").read_text()
    assert "| push | it failed (" in page
