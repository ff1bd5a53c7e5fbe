"""Make images that people uploaded in Label Studio part of the dataset."""

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from mimetypes import guess_extension
from pathlib import PurePosixPath
from urllib.parse import unquote, unquote_to_bytes, urlparse

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.picture_kinds import needs_copy
from annolooop.domain.progress import Track
from annolooop.domain.tasks import Image, Task
from annolooop.errors import AnnoloopError
from annolooop.files.names import file_names
from annolooop.labelstudio.api.connection import NotFound, Rejected
from annolooop.labelstudio.api.fetch import Forbidden
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefetch import prefetch
from annolooop.storage.images import IMAGES, content_hash, copy_key, is_image_name, put_copy

File = tuple[str, bytes]  # its name, and what is in it

IMAGES_IN_MEMORY = 32
BYTES_IN_MEMORY = 64 * 2**20  # after which they are put into the store
FETCHES_AT_ONCE = 4
ADDRESS = 300  # characters of an address in a message
FAILURES_PER_HOST = 3  # failures after which a host is not asked again in this run


@dataclass
class Uploads:
    """What became of the tasks that annoloop did not make.

    Attributes:
        tasks: how many became part of the dataset.
        failed: task's address -> why its image could not be fetched.
    """

    tasks: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def collect_uploads(stack: Stack, project: ProjectCounts, track: Track) -> Uploads:
    """Put the images of tasks that have no key into the store, and their keys into the tasks.

    The image comes first, then its entry in the catalogue, then the key in the task's data: an
    interrupted run is completed by the next one. An image that cannot be fetched is tried again
    each time.
    """
    done = Uploads()
    waiting = stack.studio.tasks.without_key(project.id)
    progress = track(waiting, "collect", len(waiting))
    fetcher = _Fetcher(stack)
    fetched: dict[int, File] = {}
    for task, address, answer in prefetch(fetcher.fetch, progress, FETCHES_AT_ONCE):
        if isinstance(answer, str):
            done.failed[f"task {task}: {_short(address)}"] = answer
            continue
        fetched[task] = answer
        done.tasks += 1
        size = sum(len(data) for _, data in fetched.values())
        if len(fetched) >= IMAGES_IN_MEMORY or size >= BYTES_IN_MEMORY:
            _keep(stack, project, fetched)
            fetched = {}
    _keep(stack, project, fetched)
    return done


def _keep(stack: Stack, project: ProjectCounts, fetched: Mapping[int, File]) -> None:
    """Make files, by task, images of the dataset; and write their keys into the tasks."""
    from annolooop.model.picture import viewable_copy

    if not fetched:
        return
    folder = f"{IMAGES}/{stack.config.dataset.name}-uploads"

    def put(upload: tuple[int, File]) -> tuple[Image, str]:
        task, (name, data) = upload
        sha256 = content_hash(data)
        image = Image(f"{folder}/{task}-{name}", sha256)
        if not stack.store.put_new(image.key, data) and not _holds(stack, image):
            # A task of a project that is gone had the same number.
            image = Image(f"{folder}/{task}-{sha256[:8]}-{name}", sha256)
            stack.store.put(image.key, data)
        if needs_copy(data):
            put_copy(stack.store, sha256, lambda: viewable_copy(data))
        return image, stack.store.info(image.key).etag

    def write_key(named: tuple[int, Image]) -> None:
        task, image = named
        # No browser shows such an image where it lies now.
        seen = image.key in copied and stack.image_source.url(copy_key(image.sha256))
        shown = {shown_by: seen} if seen else {}
        stack.studio.tasks.update_data(task, **shown, key=image.key, sha256=image.sha256)

    stored = list(prefetch(put, fetched.items(), FETCHES_AT_ONCE))
    copied = {
        i.key
        for (i, _), (_, data) in zip(stored, fetched.values(), strict=True)
        if needs_copy(data)
    }
    stack.catalog.add((i for i, _ in stored), {i.key: etag for i, etag in stored}, copied=copied)
    shown_by = stack.studio.projects.labelling(project.id).data if copied else ""
    images = dict(zip(fetched, (image for image, _ in stored), strict=True))
    for _ in prefetch(write_key, images.items(), FETCHES_AT_ONCE):
        pass
    tasks = [Task(t, image.key, image.sha256, shows=image.sha256) for t, image in images.items()]
    stack.task_index.note(project.identity, tasks)


def _holds(stack: Stack, image: Image) -> bool:
    return content_hash(stack.store.get(image.key)) == image.sha256


class _Fetcher:
    """Fetches images, and leaves hosts alone that do not answer."""

    def __init__(self, stack: Stack) -> None:
        self._studio = stack.studio
        self._failures: Counter[str] = Counter()

    def fetch(self, task: tuple[int, str]) -> tuple[int, str, File | str]:
        """A task (its id and address), and its image; or why there is none."""
        from annolooop.model.picture import Unreadable, check_picture

        answer = self._file(*task)
        try:
            if not isinstance(answer, str):
                check_picture(answer[1])
        except Unreadable as error:
            answer = str(error)
        return *task, answer

    def _file(self, number: int, address: str) -> File | str:
        try:
            parts = urlparse(address)
        except ValueError:  # such as a bracket that is not closed
            return "its address cannot be read"
        if self._failures[parts.netloc] >= FAILURES_PER_HOST:
            return "its host did not answer for others"
        if parts.scheme == "data":
            return _inside(address)
        if parts.scheme not in ("http", "https", ""):
            # A bucket that only the server has the keys of: it sends us on to a signed address.
            encoded = b64encode(address.encode()).decode()
            address = f"/tasks/{number}/resolve/?fileuri={encoded}"
        elif not parts.scheme and not address.startswith("/"):
            return "its data names no image"
        try:
            kind, data = self._studio.fetch(address)
        except AnnoloopError as error:
            # This image is the problem, not the host.
            answered = isinstance(error, NotFound | Rejected | Forbidden)
            self._failures[parts.netloc] += bool(parts.netloc) and not answered
            return error.message
        kind = kind.partition(";")[0].strip().lower()
        name = PurePosixPath(unquote(parts.path)).name
        # Some servers say of any file that it is bytes; a page is a page, whatever its name.
        if not kind.startswith("image/") and (kind.startswith("text/") or not is_image_name(name)):
            return f"it is {kind}, not an image"
        if not is_image_name(name):
            name += guess_extension(kind) or ".jpg"
        return file_names([name])[name], data


def _inside(address: str) -> File | str:
    """The image that an address of the scheme ``data`` holds; or why there is none."""
    head, comma, body = address.removeprefix("data:").partition(",")
    kind, *parameters = (part.strip().lower() for part in head.split(";"))
    if not comma or not kind.startswith("image/"):
        return f"it is {kind or 'text'}, not an image"
    try:
        data = unquote_to_bytes(body)
        data = b64decode(data, validate=True) if "base64" in parameters else data
    except ValueError:
        return "its data cannot be decoded"
    return f"image{guess_extension(kind) or '.jpg'}", data


def _short(address: str) -> str:
    """An address in a message: one may hold a whole image."""
    return address if len(address) <= ADDRESS else f"{address[:ADDRESS]}…"
