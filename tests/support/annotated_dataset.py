"""A dataset that people have annotated, made without a model."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone

import httpx
from support.project import Project, Server, write_photos

from annolooop.domain.annotations import Annotation, Snapshot
from annolooop.domain.tasks import Image, Prediction
from annolooop.loop.labels.project import ensure_project
from annolooop.stack import Stack
from annolooop.storage.images import content_hash


def put_images(project: Project, names: Sequence[str]) -> dict[str, Image]:
    """Distinct pictures in the store and the catalogue: name -> image."""
    stack = project.stack()
    folder = project.folder / "made"
    write_photos(folder, list(names))
    images, etags = {}, {}
    for name in names:
        data, key = (folder / name).read_bytes(), f"images/{name}"
        stack.store.put(key, data)
        images[name] = Image(key, content_hash(data))
        etags[key] = stack.store.info(key).etag
    stack.catalog.add(images.values(), etags)
    return images


def store_labels(
    project: Project, images: Mapping[str, Image], labels: Mapping[str, Sequence[str]]
) -> None:
    """A snapshot in which one person gave each image these labels; no server is needed."""
    annotations = tuple(
        Annotation(
            n,
            n,
            images[name].key,
            images[name].sha256,
            tuple(sorted(answers)),
            False,
            False,
            1,
            f"{n}",
        )
        for n, (name, answers) in enumerate(labels.items(), start=1)
    )
    now = datetime.now(timezone.utc).isoformat()
    snapshots = project.stack().snapshots
    last = snapshots.latest().number
    assert snapshots.write(Snapshot(0, now, "1 then", "", annotations), last)


class Annotated:
    """A project of a real server with a task for each image."""

    def __init__(self, project: Project, server: Server, names: Sequence[str]) -> None:
        self.project = project
        self.http = httpx.Client(
            base_url=server.url, headers={"Authorization": f"Token {server.token}"}, timeout=60
        )
        self.images = put_images(project, names)
        stack = project.stack()
        self.name = stack.config.dataset.name
        self.id = ensure_project(stack).id
        made = [
            (
                {"image": stack.image_source.url(i.key), "key": i.key, "sha256": i.sha256},
                Prediction(("aria",), 0.5),
            )
            for i in self.images.values()
        ]
        stack.studio.tasks.create(self.id, made, "v1-abcdef")
        keys = {task.key: task.id for task in stack.studio.tasks.list(self.id)}
        self.tasks = {name: keys[image.key] for name, image in self.images.items()}

    def stack(self) -> Stack:
        return self.project.stack()

    def someone(self, email: str) -> int:
        """Another person on the server, by id."""
        made = self.http.post("/api/users", json={"email": email, "username": email})
        made.raise_for_status()
        return int(made.json()["id"])

    def annotate(
        self,
        name: str,
        *labels: str,
        who: int | None = None,
        skipped: bool = False,
        truth: bool = False,
    ) -> None:
        result = [
            {
                "from_name": "label",
                "to_name": "image",
                "type": "choices",
                "value": {"choices": list(labels)},
            }
        ]
        body = {
            "result": result if labels else [],
            "was_cancelled": skipped,
            "ground_truth": truth,
            "lead_time": 1.5,
            **({"completed_by": who} if who else {}),
        }
        url = f"/api/tasks/{self.tasks[name]}/annotations"
        self.http.post(url, json=body).raise_for_status()
