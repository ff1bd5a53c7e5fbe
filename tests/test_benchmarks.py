"""The benchmarks run, and their figures end up in one table."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.project import ROOT

ONE = ["--smoke", "--into", ".", "cli_start"]
RUN_ALL = ROOT / "benchmarks" / "run_all.py"


def test_smoke_run_fills_the_table_and_keeps_the_rows_of_others(tmp_path: Path) -> None:
    kept = tmp_path / "benchmarks.json"
    figure = {"name": "pushed", "over": "a over b", "values": "1 over 2", "ratio": 0.5}
    ran = {"status": 1, "date": "then", "annoloop": "0", "machine": "m", "versions": "v"}
    rows = {"push": {**ran, "figures": [{**figure, "target": 0.9}]}}
    rows |= {"precision": {**ran, "status": 0, "figures": []}}
    kept.write_text(json.dumps(rows))
    words = [sys.executable, str(RUN_ALL), "--smoke", "--into", str(tmp_path), "cli_start"]
    subprocess.run(words, check=False, timeout=120)
    assert list(json.loads(kept.read_text())) == ["cli_start", "precision", "push"]
    page = (tmp_path / "benchmarks.md").read_text()
    assert "| pushed (`push.py`) | a over b | 1 over 2 | 0.5 | at least 0.9 | **no** |" in page
    assert "| `annoloop --help` (`cli_start.py`) | time of the process over" in page
    assert "| precision | nothing to compare on this machine |" in page
    assert "| it failed" not in page


def test_script_that_fails_says_so_in_its_row(tmp_path: Path) -> None:
    other = ["--command", shutil.which("false") or "", "push"]
    words = [sys.executable, str(RUN_ALL), "--smoke", "--into", str(tmp_path), *other]
    done = subprocess.run(words, check=False, timeout=120, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    page = (tmp_path / "benchmarks.md").read_text()
    assert "| push | it failed (" in page
    assert "Label Studio does not start" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("script", "options", "message"),
    [
        ("run_all", [*ONE, "--command", "no"], "--command no: there is no such executable"),
        ("run_all", [*ONE, "--images", "no"], "--images no: there is no such folder"),
        ("retrain", ["--images", "nowhere"], "there are no photos in nowhere"),
        ("retrain", ["--images", "."], "there are no photos in ."),
    ],
)
def test_what_is_not_there_is_told_in_a_line(
    tmp_path: Path, script: str, options: list[str], message: str
) -> None:
    words = [sys.executable, str(RUN_ALL.with_name(f"{script}.py")), *options]
    done = subprocess.run(words, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode in (1, 2)
    assert done.stderr.splitlines()[-1].endswith(message)
    assert "Traceback" not in done.stderr
