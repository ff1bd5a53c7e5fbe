"""Pull annotations: only what changed since the last snapshot, and all of it when in doubt."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from annolooop.domain.annotations import UNSENT, ProjectCounts, Snapshot, by_task
from annolooop.domain.loss import find_loss, is_other_project
from annolooop.errors import RefusedError
from annolooop.labelstudio.api.studio import Studio

OVERLAP = timedelta(seconds=5)  # a change may become visible after a later one was read


def pull(
    studio: Studio,
    project: ProjectCounts,
    last: Snapshot,
    whole: bool = False,
    accept_loss: bool = False,
) -> Snapshot:
    """The annotations as they are now, as a snapshot that is not yet stored (number 0).

    Changed tasks are found by the time of their last change. Deleted annotations leave no
    such trace, so the result is held against the project's own counters, and everything is
    pulled again when they differ; so it is when a change that was there before is there no more.
    What changes neither a time nor a counter is not noticed: a change in the server's database, or
    while its clock was wrong.

    Args:
        studio: the server.
        project: with counters as they are now.
        last: the newest snapshot.
        whole: pull everything again, in any case.
        accept_loss: the answers may be fewer or older than before, or those of another project.

    Raises:
        RefusedError: they are.
    """
    if is_other_project(last, project) and not accept_loss:
        raise refuse_other_project(last, project)
    before = Snapshot() if whole or last.project != project.identity else last
    since = _earlier(before.watermark) if before.watermark else ""
    changed = studio.annotations.changed_tasks(project.id, since)
    pulled = _merge(studio, project, before, changed, last)
    if since and not (_agrees(pulled, project) and _goes_on(before, changed, since)):
        changed = studio.annotations.changed_tasks(project.id)
        pulled = _merge(studio, project, Snapshot(), changed, last)
    loss = "" if accept_loss else find_loss(last, pulled)
    if loss:
        raise _refuse_loss(last, project, loss)
    return replace(pulled, people=_people(studio, pulled, last))


def refuse_other_project(last: Snapshot, project: ProjectCounts | None) -> RefusedError:
    """The error for a project that is gone, or that is another one than that of the answers."""
    answers = f"the {len(last.annotations)} answers of snapshot {last.number}"
    seen = (
        f"the Label Studio project {project.title} is not the one that has {answers}: it was made "
        f"on {project.created_at[:16].replace('T', ' ')}"
        if project
        else f"Label Studio has no project any more that has {answers}"
    )
    return RefusedError(seen, _way_out(last))


def _refuse_loss(last: Snapshot, project: ProjectCounts, loss: str) -> RefusedError:
    return RefusedError(
        f"in the Label Studio project {project.title} {loss} snapshot {last.number}: "
        "its database may be an older copy",
        _way_out(last),
    )


def _way_out(last: Snapshot) -> str:
    return (
        "Nothing was changed. To bring the answers back: annoloop restore; from a backup: "
        "annoloop restore FILE. To go on without them: annoloop sync --accept-loss (they stay in "
        f"the store: annoloop dataset export --snapshot {last.number})"
    )


def _merge(
    studio: Studio,
    project: ProjectCounts,
    last: Snapshot,
    changed: dict[int, str],
    stored: Snapshot,
) -> Snapshot:
    """Args: ``stored`` has the answers that the server may fail to send now."""
    now = datetime.now(timezone.utc)
    # The overlap holds what the last pull saw, and is as it was then.
    news = [task for task, moment in changed.items() if last.recent.get(task) != moment]
    merged = by_task(last.annotations)
    sent = list(studio.annotations.list(project.id, news))
    unsent = {a.task for a in sent if a.unreadable == UNSENT}
    known = {a.id: a for a in stored.annotations if stored.project == project.identity}
    merged |= by_task(known.get(a.id, a) if a.unreadable == UNSENT else a for a in sent)
    watermark = max([last.watermark, *changed.values()])
    start = _earlier(watermark) if watermark else ""
    recent = {t: moment for t, moment in (last.recent | changed).items() if moment > start}
    return Snapshot(
        number=0,
        created_at=now.isoformat(),
        project=project.identity,
        watermark=watermark,
        annotations=tuple(a for task in sorted(merged) for a in merged[task]),
        unsent=tuple(sorted((set(last.unsent) - set(news)) | unsent)),
        recent=recent,
        label_config=studio.projects.label_config(project.id),
    )


def _people(studio: Studio, pulled: Snapshot, last: Snapshot) -> dict[int, str]:
    """Who answered; the server is asked only about people that are new."""
    who = {a.annotator for a in pulled.annotations if a.annotator is not None}
    known = last.people if last.project == pulled.project else {}
    if not who <= known.keys():
        known = {**known, **studio.people.emails()}
    return {number: known[number] for number in sorted(who & known.keys())}


def _agrees(pulled: Snapshot, project: ProjectCounts) -> bool:
    skips = sum(a.skipped for a in pulled.annotations)
    answered = len(pulled.annotations) - skips
    if pulled.unsent:  # whether these are skips is not known
        return len(pulled.annotations) == project.annotations + project.skips
    return answered == project.annotations and skips == project.skips


def _goes_on(last: Snapshot, changed: dict[int, str], since: str) -> bool:
    """Whether the newest changes of the last pull are still there: time did not go backwards."""
    newest = {task: moment for task, moment in last.recent.items() if moment > since}
    return all(changed.get(task, "") >= moment for task, moment in newest.items())


def _earlier(watermark: str) -> str:
    moment = datetime.fromisoformat(watermark.replace("Z", "+00:00")) - OVERLAP
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
