"""Write predictions to a file, with the probabilities of all labels."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from annolooop.errors import ConfigError, UsageError
from annolooop.loop.predict import best_labels
from annolooop.model.head import Probabilities
from annolooop.records import Image, ModelVersion

Row = dict[str, Any]

JOINT = "|"  # between labels of a multiple choice


def check_output(file: Path) -> None:
    """Refuse a file that could not be written, before any work is done.

    Raises:
        UsageError: its suffix names no format, or its folder is not there.
        ConfigError: the format needs a package that is not installed.
    """
    if file.suffix not in _WRITERS:
        raise UsageError(
            f"--out {file}: the suffix must be one of {', '.join(_WRITERS)}",
            "For example: --out predictions.csv",
        )
    if not file.absolute().parent.is_dir():
        raise UsageError(
            f"--out {file}: the folder {file.parent} is not there", f"Make it: mkdir {file.parent}"
        )
    if file.suffix == ".parquet":
        _pyarrow()


def write_predictions(
    file: Path, version: ModelVersion, images: Sequence[Image], probabilities: Probabilities
) -> None:
    """Write a row for each image: key, sha256, model_version, label, score, and ``p_<label>``.

    Args:
        file: .csv, .jsonl or .parquet; replaced in one step when all of it is written.
        version: what predicted.
        images: n images.
        probabilities: (n, k), in the order of the version's labels.
    """
    rows = _rows(version, images, probabilities)
    columns = ["key", "sha256", "model_version", "label", "score"]
    columns += [f"p_{label}" for label in version.labels]
    part = file.with_name(f".{file.name}.part")
    try:
        _WRITERS[file.suffix](part, columns, rows)
        part.replace(file)
    except OSError as error:
        raise UsageError(
            f"--out {file} cannot be written: {error.strerror}", "Name another file."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _rows(
    version: ModelVersion, images: Sequence[Image], probabilities: Probabilities
) -> Iterator[Row]:
    said = best_labels(version, probabilities)
    for image, row, best in zip(images, probabilities, said, strict=True):
        yield {
            "key": image.key,
            "sha256": image.sha256,
            "model_version": version.name,
            "label": JOINT.join(best.labels),
            "score": best.score,
            **{f"p_{label}": round(float(row[k]), 6) for k, label in enumerate(version.labels)},
        }


def _write_csv(file: Path, columns: Sequence[str], rows: Iterator[Row]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns)
        writer.writeheader()
        writer.writerows(rows)


def _write_jsonl(file: Path, columns: Sequence[str], rows: Iterator[Row]) -> None:
    with file.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _write_parquet(file: Path, columns: Sequence[str], rows: Iterator[Row]) -> None:
    pyarrow, parquet = _pyarrow()
    parquet.write_table(pyarrow.Table.from_pylist(list(rows)), file)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(
            "writing Parquet needs pyarrow, which is not installed",
            "Install it: pip install 'annolooop[parquet]'; or write .csv or .jsonl",
        ) from None
    return pyarrow, parquet


_WRITERS: dict[str, Callable[[Path, Sequence[str], Iterator[Row]], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
