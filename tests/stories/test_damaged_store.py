"""Each kind of object of a trained store, damaged in many ways: commands name it, or go on.

The damages are drawn by a seed, so they are the same every time; ``support/damage.py`` has them.
"""

import os
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from support.damage import damages
from support.full_store import FullStore

from annolooop.cli import app

TIMES = 16  # that each object is damaged
EXPORT = "dataset export offline --format csv --out out.csv --overwrite --offline"
INFER = "infer --no-push --out predictions.csv"
REPORT = "report --offline --out report.html"
# Beginning of a key -> commands that read the object; the first that fits.
READERS = {
    "backbones/": ("infer --no-push --batch new",),
    "datasets/offline/blind": (REPORT, "infer --no-push"),
    "datasets/offline/images/": (INFER, "dataset duplicates offline --offline", "storage check"),
    "datasets/offline/reviews/": ("dataset review offline --offline",),
    "datasets/offline/rounds/": (REPORT,),
    "datasets/offline/sides/": (EXPORT,),
    "datasets/offline/snapshots/": (EXPORT, "dataset describe offline --offline", REPORT),
    "models/offline/heads/": (INFER,),
    "models/offline/": ("model list", "model show v2", INFER, REPORT),
    "": (INFER,),
}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FullStore]:
    folder = tmp_path_factory.mktemp("full")
    here = Path.cwd()
    os.chdir(folder)
    yield FullStore(folder)
    os.chdir(here)


def typed(command: str) -> tuple[int, str]:
    """Exit code, and what is on stderr."""
    out, err, code = StringIO(), StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            app(command.split(), prog_name="annoloop")
        except SystemExit as end:
            code = int(end.code or 0)
    return code, err.getvalue()


@pytest.mark.slow
def test_damage_is_named_or_made_good(full: FullStore) -> None:
    wrong: list[str] = []
    store, named = full.stack().store, 0
    for key in full.objects():
        whole = store.get(key)
        commands = next(found for start, found in READERS.items() if key.startswith(start))
        for number, body in enumerate(damages(whole, 1, TIMES)):
            store.put(key, body)
            command = commands[number % len(commands)]
            code, shown = typed(command)
            named += code == 5
            if code not in (0, 5) or (code == 5 and f"{key} in the artifact store" not in shown):
                wrong.append(f"{key}, {body[:60]!r}: {command}: {code}: {shown[-300:]}")
        store.put(key, whole)
    assert not wrong, "\n".join(wrong)
    assert named > 50
    assert typed(INFER)[0] == 0


@pytest.mark.slow
def test_missing_object_is_named_or_made_good(full: FullStore) -> None:
    store = full.stack().store
    for key in full.objects():
        whole = store.get(key)
        commands = next(found for start, found in READERS.items() if key.startswith(start))
        store.delete(key)
        for command in commands:
            code, shown = typed(command)
            assert code in (0, 2, 5), f"{key}: {command}: {shown}"
            assert "Traceback" not in shown
        store.put(key, whole)


@pytest.mark.slow
def test_changed_weights_change_no_prediction(full: FullStore) -> None:
    """One bit of the head or of the embeddings: an error, or the same predictions."""
    store, out = full.stack().store, Path("predictions.csv")
    store.delete_below("embeddings")  # those of the dataset are drawn; now come the backbone's own
    assert typed(INFER)[0] == 0
    before = out.read_bytes()
    for key in (
        k for k in full.objects() if k.startswith(("embeddings/", "models/offline/heads/"))
    ):
        whole = store.get(key)
        for at in (5, len(whole) // 2, len(whole) - 1):
            changed = bytearray(whole)
            changed[at] ^= 0x40
            store.put(key, bytes(changed))
            code, shown = typed(INFER)
            assert code == 5 or out.read_bytes() == before, key
            assert code in (0, 5), shown
        store.put(key, whole)
