"""Write predictions to a file, with the probabilities of all labels."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from annolooop.domain.tasks import Image
from annolooop.domain.versions import ModelVersion
from annolooop.errors import FULL, UnreachableError, UsageError
from annolooop.files.publish import check_parent
from annolooop.files.tables import JOINT, TABLES, Row, check_table, open_table
from annolooop.files.whole import replacing
from annolooop.loop.versions.predict import best_labels
from annolooop.model.heads.head import Probabilities

WritePart = Callable[[Sequence[Image], Probabilities], None]


def check_output(file: Path) -> None:
    """Refuse a file that could not be written, before any work is done.

    Raises:
        UsageError: its suffix names no format, or its folder is not there.
        ConfigError: the format needs a package that is not installed.
    """
    if file.suffix not in TABLES:
        raise UsageError(
            f"--out {file}: the suffix must be one of {', '.join(TABLES)}",
            "For example: --out predictions.csv",
        )
    check_parent(file)
    check_table(file.suffix)


@contextmanager
def writing_predictions(file: Path, version: ModelVersion) -> Iterator[WritePart]:
    """Make a table with a row for each image: key, hash, version, labels, score, probabilities.

    Its columns are key, sha256, model_version, label, score, and ``p_<label>`` for each label.

    Args:
        file: .csv, .jsonl or .parquet; replaced in one step when all of it is written.
        version: what predicts.

    Yields:
        What takes n images, and their probabilities (n, k) in the order of the version's labels.

    Raises:
        UsageError: the file cannot be written.
        UnreachableError: there is no room for it.
    """
    columns = dict.fromkeys(("key", "sha256", "model_version", "label"), "text")
    columns |= dict.fromkeys(("score", *(f"p_{label}" for label in version.labels)), "real")
    with ExitStack() as opened:
        with explained(f"--out {file}"):
            part = opened.enter_context(replacing(file))
            write = opened.enter_context(open_table(part, file.suffix, columns))

        def write_part(images: Sequence[Image], probabilities: Probabilities) -> None:
            with explained(f"--out {file}"):
                write(_rows(version, images, probabilities))

        yield write_part
        with explained(f"--out {file}"):
            opened.close()


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Tell why a file that the command line names could not be written.

    Raises:
        UsageError: it cannot be written.
        UnreachableError: there is no room for it.
    """
    try:
        yield
    except OSError as error:
        message = f"{what} cannot be written: {error.strerror or error}"
        if error.errno in FULL:
            raise UnreachableError(message, "Make room there, or name a file elsewhere.") from error
        raise UsageError(message, "Name another file.") from error


def _rows(
    version: ModelVersion, images: Sequence[Image], probabilities: Probabilities
) -> Iterator[Row]:
    best_of_each = best_labels(version, probabilities)
    for image, row, best in zip(images, probabilities, best_of_each, strict=True):
        yield {
            "key": image.key,
            "sha256": image.sha256,
            "model_version": version.name,
            "label": JOINT.join(best.labels),
            "score": best.score,
            **{f"p_{label}": round(float(row[k]), 6) for k, label in enumerate(version.labels)},
        }
