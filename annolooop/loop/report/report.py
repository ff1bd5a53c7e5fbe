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
from annolooop.loop.report.model import History, Judged, judge, progress
from annolooop.loop.report.people import SHOWN, PeopleFigures, people
from annolooop.loop.report.pictures import picture
from annolooop.loop.report.verdict import verdict
from annolooop.page.content import Content, Fact, Verdict
from annolooop.page.numbers import percent
from annolooop.page.write import GENERATED, check_installed, write
from annolooop.stack import Stack


@dataclass(frozen=True)
class PageReport:
    """What `report` wrote.

    Attributes:
        live, why_not_live, as_of: as in :class:`DescribeReport`.
        verdict: the model as against ``dataset.target``.
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
    verdict: Verdict
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
    labels = read_labels(stack, name, options.offline)
    version = stack.registry_of(name).current()
    content = _gather(stack, labels, version, options, track)
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
        live=labels.live,
        why_not_live=labels.why_not,
        as_of=labels.snapshot.created_at,
        verdict=content.verdict,
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
                    f"--out: {out} exists and is not a report of annoloop", "Name another file."
                )
    return out


def _gather(
    stack: Stack, labels: Labels, version: ModelVersion | None, options: ReportOptions, track: Track
) -> Content:
    """Each part for itself: what is missing in one does not stop the others."""
    url = task_url(stack, labels)
    past = progress(stack, labels, version, track)
    judged = judge(stack, labels, version)
    shown = picture(stack, labels, version, judged, url, options.points, track)
    answered = people(stack, labels)
    counts = {
        label: sum(label in example.labels for example in labels.examples) for label in labels.order
    }
    return Content(
        dataset=labels.dataset,
        created_at=datetime.now(timezone.utc).isoformat(),
        based_on=_based_on(labels),
        version=version.name if version else "",
        labels=tuple(version.labels if version else labels.rules.labels),
        multiple=labels.rules.choice == "multiple",
        verdict=verdict(_target(stack, labels), version),
        facts=_facts(labels, past, judged, answered, stack),
        versions=past.versions,
        curve=past.curve,
        forecast=past.forecast,
        outlook=past.outlook,
        rounds=past.rounds,
        counts=counts,
        evaluation=judged.evaluation,
        reliability=judged.reliability,
        map=shown.map,
        errors=shown.errors,
        suspects=shown.suspects,
        annotators=answered.annotators,
        alpha=answered.alpha,
        shared=answered.shared,
        acceptance=answered.acceptance,
        missing={**past.missing, **judged.missing, **shown.missing, **answered.missing},
    )


def _target(stack: Stack, labels: Labels) -> float | None:
    """That of the stack file, for its own dataset."""
    own = stack.config.dataset
    return own.target if own.name == labels.dataset else None


def task_url(stack: Stack, labels: Labels) -> Callable[[str], str]:
    """By content hash, where people see its task; empty where Label Studio was not asked."""
    if not labels.project:
        return lambda sha256: ""
    tasks = {a.sha256: a.task for a in labels.snapshot.annotations if a.sha256}
    base = stack.studio.tasks.url(labels.project.id)
    return lambda sha256: f"{base}{tasks[sha256]}" if sha256 in tasks else ""


def _based_on(labels: Labels) -> str:
    if labels.live:
        return "annotations of now"
    when = labels.snapshot.created_at[:10]
    return f"annotations of the last snapshot, {when}" if when else "no annotations yet"


def _facts(
    labels: Labels, past: History, judged: Judged, answered: PeopleFigures, stack: Stack
) -> tuple[Fact, ...]:
    """The figures at the top: accuracy, labelled images, calibration, accepted predictions."""
    facts = []
    images = len(stack.catalog_of(labels.dataset))
    held = sum(e.split == "holdout" for e in labels.examples)
    facts.append(
        Fact(
            "Labelled images",
            f"{len(labels.examples):,}",
            f"of {images:,}; {held:,} in the holdout",
        )
    )
    error = judged.reliability.holdout if judged.reliability else None
    if error and error.value is not None:
        facts.append(Fact("Calibration error", percent(error.value), "0 is best; on the holdout"))
    rows = [row for row in answered.acceptance if row.how == SHOWN]
    if rows:
        row = rows[-1]
        facts.append(
            Fact("Predictions accepted", percent(row.same.value), f"of {row.n} that people saw")
        )
    return tuple(facts)
