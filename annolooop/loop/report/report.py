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
from annolooop.loop.report.effort import effort
from annolooop.loop.report.model import judge, progress
from annolooop.loop.report.past import since_last
from annolooop.loop.report.people import people
from annolooop.loop.report.pictures import picture
from annolooop.loop.report.pool import pool
from annolooop.loop.report.upcoming import upcoming
from annolooop.loop.report.verdict import verdict
from annolooop.page.content import AnnotatorRow, Content, Effort, Pool, Since, Verdict
from annolooop.page.write import GENERATED, write
from annolooop.stack import Stack


@dataclass(frozen=True)
class PageReport:
    """What `report` wrote.

    Attributes:
        live, why_not_live, as_of: as in :class:`DescribeReport`.
        verdict: the model as against ``dataset.target``.
        effort: people's work so far, and to come.
        next, next_command: what comes next, in words and as a command.
        since: what changed since the last report.
        people: who answered.
        reviews: images that reviews asked about, by what became of them.
        pool: all images by label.
        points: images on the map.
        missing: section -> why it has nothing to show, and the command that changes it.
        opened: a browser was asked to show it.
    """

    dataset: str
    created_at: str
    out: str
    bytes: int
    model_version: str | None
    live: bool
    why_not_live: str
    as_of: str
    verdict: Verdict
    effort: Effort
    next: str
    next_command: str
    since: Since
    people: tuple[AnnotatorRow, ...]
    reviews: dict[str, int]
    pool: Pool
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
        anonymous: without names and addresses of people, and without links to tasks.
    """

    out: Path | None = None
    points: int = POINTS
    offline: bool = False
    browse: bool = False
    anonymous: bool = False


def report(stack: Stack, name: str, options: ReportOptions, track: Track) -> PageReport:
    """Write one HTML file that shows how a dataset and its model are doing.

    It holds thumbnails, and no address of an image; tasks are linked to where Label Studio can be
    reached. What it says is noted in the store, so that the next one can tell what changed.

    Raises:
        ConfigError: the file cannot be written.
        UsageError: there is another file where it would go.
        DataError: there is no such dataset.
        UnreachableError: Label Studio or the store fails.
    """
    begun = time.monotonic()
    out = _check(options.out or Path(f"{name.replace(' ', '_')}-report.html"))
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
        created_at=content.created_at,
        out=str(out),
        bytes=out.stat().st_size,
        model_version=version.name if version else None,
        live=labels.live,
        why_not_live=labels.why_not,
        as_of=labels.snapshot.created_at,
        verdict=content.verdict,
        effort=content.effort,
        next=content.next,
        next_command=content.command,
        since=content.since,
        people=content.annotators,
        reviews=content.reviews,
        pool=content.pool,
        points=len(content.map.points) if content.map else 0,
        missing={part: str(m) for part, m in content.missing.items()},
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
    url = task_url(stack, labels) if not options.anonymous else lambda sha256: ""
    past = progress(stack, labels, version, track)
    judged = judge(stack, labels, version)
    shown = picture(stack, labels, version, judged, url, options.points, track)
    answered = people(stack, labels, options.anonymous)
    counts = {
        label: sum(label in example.labels for example in labels.examples) for label in labels.order
    }
    reached = verdict(_target(stack, labels), version)
    everything = pool(stack, labels, version, track)
    words, step, asked = upcoming(stack, labels, version, reached, everything.images)
    waiting = asked.asked - asked.answered if asked else 0
    work = effort(labels, reached, past.measured, everything.images, waiting)
    return Content(
        dataset=labels.dataset,
        created_at=datetime.now(timezone.utc).isoformat(),
        based_on=_based_on(labels),
        version=version.name if version else "",
        labels=tuple(version.labels if version else labels.rules.labels),
        multiple=labels.rules.choice == "multiple",
        verdict=reached,
        effort=work,
        next=words,
        command=step.command,
        since=since_last(stack, labels.dataset, version.name if version else "", reached, work),
        pool=everything,
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
        reviews=answered.reviews,
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
        return "answers up to now"
    when = labels.snapshot.created_at[:10]
    return f"answers up to {when}, the last snapshot" if when else "no answers yet"
