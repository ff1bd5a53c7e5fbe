"""What the report of a dataset shows, as far as there are data; drawing it is for the page."""

import time
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from annolooop.domain.progress import Track
from annolooop.domain.versions import ModelVersion
from annolooop.errors import ConfigError, UsageError
from annolooop.files.whole import replacing
from annolooop.loop.labels.current import Labels, read_labels
from annolooop.loop.report.model import Judged, Progress, judge, progress
from annolooop.loop.report.people import SHOWN, Said, people
from annolooop.loop.report.pictures import picture
from annolooop.page.content import Content, Fact
from annolooop.page.numbers import percent
from annolooop.page.write import GENERATED, check_installed, write
from annolooop.stack import Stack


@dataclass(frozen=True)
class PageReport:
    """What `report` wrote.

    Attributes:
        live, why_not_live, as_of: as in :class:`DescribeReport`.
        points: images on the map.
        missing: section -> why it has nothing to show, and the command that changes it.
        opened: a browser was asked to show it.
    """

    dataset: str
    out: str
    bytes: int
    model_version: str | None
    live: bool
    why_not_live: str
    as_of: str
    points: int
    missing: dict[str, str]
    opened: bool
    seconds: float


POINTS = 2000  # images on the map


@dataclass(frozen=True)
class ReportOptions:
    """What `report` is asked for.

    Attributes:
        out: file to write; ``None`` for one named after the dataset, in the current folder.
        points: images on the map; 0 for no map.
        offline: go by the last snapshot.
        browse: open the page.
    """

    out: Path | None = None
    points: int = POINTS
    offline: bool = False
    browse: bool = False


def report(stack: Stack, name: str, options: ReportOptions, track: Track) -> PageReport:
    """Write one HTML file that shows how a dataset and its model are doing.

    Nothing is written but that file. It holds thumbnails, and no address of an image; tasks are
    linked to where Label Studio can be reached.

    Raises:
        ConfigError: Plotly is not installed.
        UsageError: there is another file where it would go.
        DataError: there is no such dataset.
        UnreachableError: Label Studio or the store fails.
    """
    begun = time.monotonic()
    out = _check(options.out or Path(f"{name.replace(' ', '_')}-report.html"))
    check_installed()  # before anything slow
    found = read_labels(stack, name, options.offline)
    version = stack.registry_of(name).current()
    content = _gather(stack, found, version, options, track)
    text = write(content)
    try:
        with replacing(out) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{out} cannot be written: {error.strerror}", "Name another file: --out FILE.html"
        ) from error
    opened = options.browse and webbrowser.open(out.absolute().as_uri())
    return PageReport(
        dataset=name,
        out=str(out),
        bytes=out.stat().st_size,
        model_version=version.name if version else None,
        live=found.live,
        why_not_live=found.why_not,
        as_of=found.snapshot.created_at,
        points=len(content.map.points) if content.map else 0,
        missing={part: f"{m.why} {m.command}".strip() for part, m in content.missing.items()},
        opened=opened,
        seconds=round(time.monotonic() - begun, 3),
    )


def _check(out: Path) -> Path:
    """A report may be replaced by a newer one; another file may not."""
    if out.is_dir() or not out.parent.is_dir():
        why = "is a folder" if out.is_dir() else "is in a folder that is not there"
        raise UsageError(f"--out: {out} {why}", "Name a file, for example --out report.html")
    if out.exists():
        with out.open("rb") as there:
            if there.read(len(GENERATED)) != GENERATED.encode():
                raise UsageError(
                    f"--out: {out} is there, and is no report of annoloop", "Name another file."
                )
    return out


def _gather(
    stack: Stack, found: Labels, version: ModelVersion | None, options: ReportOptions, track: Track
) -> Content:
    """Each part for itself; what one of them lacks is no trouble to the others."""
    url = task_url(stack, found)
    gone = progress(stack, found, version, track)
    judged = judge(stack, found, version)
    seen = picture(stack, found, version, judged, url, options.points, track)
    said = people(stack, found)
    counts = {
        label: sum(label in example.labels for example in found.examples) for label in found.order
    }
    return Content(
        dataset=found.dataset,
        created_at=datetime.now(timezone.utc).isoformat(),
        based_on=_based_on(found),
        version=version.name if version else "",
        labels=tuple(version.labels if version else found.rules.labels),
        multiple=found.rules.choice == "multiple",
        facts=_facts(found, gone, judged, said, stack),
        versions=gone.versions,
        curve=gone.curve,
        forecast=gone.forecast,
        verdict=gone.verdict,
        rounds=gone.rounds,
        counts=counts,
        evaluation=judged.evaluation,
        reliability=judged.reliability,
        map=seen.map,
        errors=seen.errors,
        suspects=seen.suspects,
        annotators=said.annotators,
        alpha=said.alpha,
        shared=said.shared,
        acceptance=said.acceptance,
        missing={**gone.missing, **judged.missing, **seen.missing, **said.missing},
    )


def task_url(stack: Stack, found: Labels) -> Callable[[str], str]:
    """By content hash, where people see its task; empty where Label Studio was not asked."""
    if not found.project:
        return lambda sha256: ""
    tasks = {a.sha256: a.task for a in found.snapshot.annotations if a.sha256}
    base = stack.studio.tasks.url(found.project.id)
    return lambda sha256: f"{base}{tasks[sha256]}" if sha256 in tasks else ""


def _based_on(found: Labels) -> str:
    if found.live:
        return "annotations of now"
    when = found.snapshot.created_at[:10]
    return f"annotations of the last snapshot, {when}" if when else "no annotations yet"


def _facts(
    found: Labels, gone: Progress, judged: Judged, said: Said, stack: Stack
) -> tuple[Fact, ...]:
    """The figures at the top: how good, how much, how sure, and what people think of it."""
    facts = []
    if judged.evaluation and judged.evaluation.accuracy.value is not None:
        a = judged.evaluation.accuracy
        facts.append(
            Fact(
                "Accuracy on the holdout",
                percent(a.value),
                f"95 %: {percent(a.low)} to {percent(a.high)}, {judged.evaluation.n} images",
            )
        )
    images = len(stack.catalog_of(found.dataset))
    held = sum(e.split == "holdout" for e in found.examples)
    facts.append(
        Fact(
            "Labelled images", f"{len(found.examples):,}", f"of {images:,}; {held:,} in the holdout"
        )
    )
    error = judged.reliability.holdout if judged.reliability else None
    if error and error.value is not None:
        facts.append(Fact("Calibration error", percent(error.value), "0 is best; on the holdout"))
    shown = [row for row in said.acceptance if row.how == SHOWN]
    if shown:
        row = shown[-1]
        facts.append(
            Fact("Predictions accepted", percent(row.same.value), f"of {row.n} that people saw")
        )
    return tuple(facts)
