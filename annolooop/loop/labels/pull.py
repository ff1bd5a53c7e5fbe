"""Pull annotations: only what changed since the last snapshot, and all of it when in doubt."""

from datetime import datetime, timedelta, timezone

from annolooop.domain.annotations import ProjectCounts, Snapshot, by_task
from annolooop.labelstudio.api.studio import Studio

OVERLAP = timedelta(seconds=5)  # a change may become visible after a later one was read


def pull(studio: Studio, project: ProjectCounts, last: Snapshot, whole: bool = False) -> Snapshot:
    """The annotations as they are now, as a snapshot that is not yet stored (number 0).

    Changed tasks are found by the time of their last change. Deleted annotations leave no
    such trace, so the result is held against the project's own counters, and everything is
    pulled again when they differ. What changes neither a time nor a counter is not noticed: a
    change in the server's database, or while its clock was wrong.

    Args:
        studio: the server.
        project: with counters as they are now.
        last: the newest snapshot.
        whole: pull everything again, in any case.
    """
    if whole or last.project != project.identity:
        last = Snapshot()
    since = _earlier(last.watermark) if last.watermark else ""
    pulled = _merge(studio, project, last, since)
    if since and not _agrees(pulled, project):
        pulled = _merge(studio, project, Snapshot(), "")
    return pulled


def _merge(studio: Studio, project: ProjectCounts, last: Snapshot, since: str) -> Snapshot:
    now = datetime.now(timezone.utc)
    changed = studio.annotations.changed_tasks(project.id, since)
    # The overlap holds what the last pull saw, and is as it was then.
    news = [task for task, moment in changed.items() if last.recent.get(task) != moment]
    merged = by_task(last.annotations)
    merged |= by_task(studio.annotations.list(project.id, news))
    watermark = max([last.watermark, *changed.values()])
    start = _earlier(watermark) if watermark else ""
    recent = {t: moment for t, moment in (last.recent | changed).items() if moment > start}
    annotations = tuple(a for task in sorted(merged) for a in merged[task])
    return Snapshot(0, now.isoformat(), project.identity, watermark, annotations, recent)


def _agrees(pulled: Snapshot, project: ProjectCounts) -> bool:
    skips = sum(a.skipped for a in pulled.annotations)
    answered = len(pulled.annotations) - skips
    return answered == project.annotations and skips == project.skips


def _earlier(watermark: str) -> str:
    moment = datetime.fromisoformat(watermark.replace("Z", "+00:00")) - OVERLAP
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
