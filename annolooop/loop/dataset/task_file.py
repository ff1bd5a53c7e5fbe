"""A dataset's tasks with all annotations, in the JSON that Label Studio imports."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from annolooop.domain.annotations import Annotation, Snapshot
from annolooop.domain.tasks import Image
from annolooop.errors import DataError
from annolooop.labelstudio.api.tasks import picture_at
from annolooop.labelstudio.label_config import Labelling
from annolooop.labelstudio.results import build_result
from annolooop.loop.push.push import addresses_of
from annolooop.stack import Stack
from annolooop.storage.images import ImageCatalog

KEPT = (
    "id",
    "result",
    "was_cancelled",
    "ground_truth",
    "created_at",
    "updated_at",
    "lead_time",
    "unique_id",
    "prediction",
)

UPLOADS = "/data/upload/"  # in the address of an image that only its project has

Task = dict[str, Any]


def live_tasks(
    stack: Stack, project: int, annotated: bool, unsent: list[int] | None = None
) -> Iterator[Task]:
    """Tasks as they are in Label Studio now, by id.

    People are named by their e-mail addresses, which mean the same on another server. Of an image
    that was uploaded into the project and is in the store too, the address in the store is written:
    uploads go with their project.

    Args:
        annotated: only those that someone annotated or skipped.
        unsent: as for :meth:`Annotations.export`.
    """
    people = stack.studio.people.emails()
    shown_by = _shown_by(stack, project)
    for raw in stack.studio.annotations.export(project, annotated, unsent):
        annotations = sorted(raw["annotations"], key=lambda a: (str(a["updated_at"]), int(a["id"])))
        made = [_annotation(a, people) for a in annotations]
        data = dict(raw["data"])
        if data.get("key") and UPLOADS in str(data.get(shown_by, "")):
            data[shown_by] = stack.image_source.url(str(data["key"]))
        task: Task = {"data": data, "annotations": made, "meta": raw.get("meta") or {}}
        if raw.get("drafts"):
            task["meta"] = {**task["meta"], "drafts": raw["drafts"]}
        yield _settled(task)


def stored_tasks(stack: Stack, catalog: ImageCatalog, snapshot: Snapshot) -> Iterator[Task]:
    """Tasks as they were in a snapshot, by id: those whose images are in the store.

    People are named by their e-mail addresses, as in :func:`live_tasks`. Whose address is not known
    is not named: whoever imports the answer gets it.

    Args:
        stack: the annotation loop.
        catalog: of the dataset that they are of.
        snapshot: that holds them.
    """
    tasks: dict[int, list[Annotation]] = defaultdict(list)
    for a in snapshot.annotations:
        if a.key:
            tasks[a.task].append(a)
    for _, answers in sorted(tasks.items()):
        answers.sort(key=lambda a: (a.updated_at, a.id))
        last = next((a for a in reversed(answers) if not a.outdated), answers[-1])
        data = {
            "image": addresses_of(stack, catalog, [Image(last.key, last.sha256)])[last.key],
            "key": last.key,
            "sha256": last.sha256,
        }
        same = [a for a in answers if a.sha256 == last.sha256]
        yield {"data": data, "annotations": [_stored(a, snapshot.people) for a in same], "meta": {}}


def _shown_by(stack: Stack, project: int) -> str:
    try:
        return stack.studio.projects.labelling(project).data
    except DataError:  # it asks for something else than labels of an image
        return ""


def write_tasks(file: Path, tasks: Iterable[Task]) -> int:
    """Write tasks, one at a time.

    Returns:
        How many.
    """
    number = 0
    with file.open("w", encoding="utf-8") as out:
        for number, task in enumerate(tasks, start=1):
            out.write("[\n" if number == 1 else ",\n")
            out.write(json.dumps(task, ensure_ascii=False))
        out.write("\n]\n" if number else "[]\n")
    return number


def _annotation(raw: Task, people: dict[int, str]) -> Task:
    made = {name: raw[name] for name in KEPT if raw.get(name) is not None}
    who = raw.get("completed_by")
    number = who.get("id") if isinstance(who, dict) else who
    if number is not None:
        email = people.get(int(number))
        made["completed_by"] = {"id": number, "email": email} if email else number
    return made


def answer_body(labelling: Labelling, a: Annotation) -> Task:
    """A stored answer as Label Studio takes it, without its person."""
    result = build_result(labelling, a.labels, 1.0 if a.accepted else None, a.way)
    for item in result if a.accepted else ():
        item["model_version"] = a.accepted  # its prediction is not there any more
    result += json.loads(a.extra) if a.extra else []
    body: Task = {"result": result, "was_cancelled": a.skipped, "ground_truth": a.ground_truth}
    return body if a.lead_time is None else {**body, "lead_time": a.lead_time}


def _stored(a: Annotation, people: Mapping[int, str]) -> Task:
    made = {"id": a.id, **answer_body(Labelling(()), a), "updated_at": a.updated_at}
    email = people.get(a.annotator or 0)
    return {**made, "completed_by": {"id": a.annotator, "email": email}} if email else made


def _settled(task: Task) -> Task:
    """Annotations of a picture before another one replaced it, apart from those since.

    An imported annotation gets a new time, by which it would be about the new picture. So a task
    that has both kinds is that of the newest picture that has answers, and the older answers are
    kept in ``meta`` only.
    """
    data = dict(task["data"])
    about = [picture_at(data, str(a["updated_at"])) for a in task["annotations"]]
    marked = [data.pop(name, None) for name in ("replaced_at", "replaced_by")]
    if not any(marked) or not about:
        return {**task, "data": data}
    newest = about[-1]  # they are in order of time
    pairs = list(zip(task["annotations"], about, strict=True))
    since = [a for a, sha256 in pairs if sha256 == newest]
    before = [a for a, sha256 in pairs if sha256 != newest]
    meta = {**task["meta"], **({"said_of_replaced_picture": before} if before else {})}
    return {"data": {**data, "sha256": newest}, "annotations": since, "meta": meta}
