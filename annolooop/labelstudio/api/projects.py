"""Projects of a Label Studio server."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from annolooop.domain.annotations import ProjectCounts
from annolooop.errors import DataError
from annolooop.labelstudio.api.connection import Connection, NotFound
from annolooop.labelstudio.label_config import (
    Labelling,
    Unfit,
    build_label_config,
    change_label_config,
    parse_label_config,
    same_label_config,
)
from annolooop.labelstudio.label_page import PLAIN, LabelPage

PROJECTS_PER_PAGE = 1000
# Asked by a browser, the server keeps to a project's sampling, and minds which tasks others have
# open, only with `show_overlap_first` and the flag of it that our own server gets: otherwise it
# gives everybody the first task of the tab.
SHOWS_PREDICTIONS = {
    "show_collab_predictions": True,
    "sampling": "Uncertainty sampling",
    "show_overlap_first": True,
}
IN_ORDER = {"sampling": "Sequential sampling", "show_overlap_first": True}
COLUMNS = (
    "id,created_at,title,label_config,expert_instruction,model_version,task_number,"
    "num_tasks_with_annotations,total_annotations_number,skipped_annotations_number"
)


class Projects:
    """The projects of a server.

    Args:
        connection: to the server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._configs: dict[int, str] = {}  # project id -> label config, as last read
        self._instructions: dict[int, str] = {}  # likewise, HTML

    def find(self, title: str) -> ProjectCounts | None:
        """The project with exactly this title, with its counters; one request.

        Raises:
            DataError: there are several.
        """
        matches = [raw for raw in self._pages(title) if raw["title"] == title]
        if len(matches) > 1:
            numbers = " and ".join(str(raw["id"]) for raw in matches)
            raise DataError(
                f"Label Studio has several projects called {title}: {numbers}",
                "Rename those that do not belong to the dataset, in their settings.",
            )
        return self._read(matches[0]) if matches else None

    def get(self, project: int) -> ProjectCounts | None:
        """The project of this id, with its counters, or ``None``; one request."""
        try:
            return self._request(project)
        except NotFound:
            return None

    def create(
        self,
        title: str,
        labels: Sequence[str],
        choice: str,
        label_config: str = "",
        page: LabelPage = PLAIN,
    ) -> ProjectCounts:
        """Create a project that asks for these labels, or what a label config asks for."""
        config = label_config or build_label_config(labels, choice, page)
        body = {"title": title, "label_config": config, **SHOWS_PREDICTIONS}
        return self._read(self._connection.post("/api/projects", body))

    def delete(self, project: int) -> None:
        """Delete a project with all its tasks and annotations, if it is there."""
        with suppress(NotFound):
            self._connection.call("DELETE", f"/api/projects/{project}")

    def show_predictions(self, project: int) -> None:
        """Make a project show predictions, and serve those first that are least sure."""
        self._change(project, SHOWS_PREDICTIONS)

    def serve_in_order(self, project: int) -> None:
        """Serve the tasks of a view in its order, to each person the first that is free."""
        self._change(project, IN_ORDER)

    def show_version(self, project: int, version: str) -> None:
        """Make the server show this model version's predictions, and order its stream by them."""
        self._change(project, {"model_version": version})

    def label_config(self, project: int) -> str:
        """A project's label config, as people wrote it."""
        if project not in self._configs:
            self._request(project)
        return self._configs[project]

    def labelling(self, project: int) -> Labelling:
        """What a project asks people for.

        Raises:
            DataError: something else than labels of an image.
        """
        try:
            return parse_label_config(self.label_config(project))
        except Unfit as error:
            raise DataError(
                f"the label config of the Label Studio project {project} does not fit: {error}",
                "Change it in the settings of the project to one set of choices about one image, "
                "or use another project: dataset.name in the stack file",
            ) from None

    def asks_for(
        self,
        project: int,
        labels: Sequence[str],
        choice: str,
        without: Sequence[str] = (),
        page: LabelPage = PLAIN,
    ) -> bool:
        """Whether :meth:`change_labels` and :meth:`instruct` would leave a project as it is."""
        config = self._configs[project]
        changed = change_label_config(config, labels, choice, without, page)
        written = self._instructions[project]
        return same_label_config(config, changed) and page.instructions_after(written) == written

    def change_labels(
        self,
        project: int,
        labels: Sequence[str],
        choice: str,
        without: Sequence[str] = (),
        page: LabelPage = PLAIN,
    ) -> None:
        """Add labels to a project's choices, or let people choose several; the rest stays.

        Args:
            project: its id.
            labels, choice: that it is to ask for.
            without: labels to take out of it.
            page: how the page looks; what people changed of it stays.

        Raises:
            Rejected: somebody has used one of these.
        """
        config = change_label_config(self._configs[project], labels, choice, without, page)
        written = self._instructions[project]
        read = page.instructions_after(written)
        shown = {"expert_instruction": read, "show_instruction": bool(read)}
        self._change(project, {"label_config": config, **(shown if read != written else {})})
        self._configs[project], self._instructions[project] = config, read

    def stream_url(self, project: int) -> str:
        """Address of the labelling stream, for people."""
        return f"{self._connection.pages}/projects/{project}/data?labeling=1"

    def list(self) -> Sequence[ProjectCounts]:
        """All projects, with their counters."""
        return [self._read(raw) for raw in self._pages()]

    def _request(self, project: int) -> ProjectCounts:
        return self._read(self._connection.get(f"/api/projects/{project}", {"include": COLUMNS}))

    def _change(self, project: int, settings: Mapping[str, object]) -> None:
        self._connection.call("PATCH", f"/api/projects/{project}", body=settings)

    def _read(self, raw: Mapping[str, Any]) -> ProjectCounts:
        self._configs[int(raw["id"])] = str(raw["label_config"])
        self._instructions[int(raw["id"])] = str(raw.get("expert_instruction") or "")
        return ProjectCounts(
            id=int(raw["id"]),
            created_at=str(raw["created_at"]),
            title=str(raw["title"]),
            tasks=int(raw.get("task_number") or 0),
            labeled=int(raw.get("num_tasks_with_annotations") or 0),
            annotations=int(raw.get("total_annotations_number") or 0),
            skips=int(raw.get("skipped_annotations_number") or 0),
            model_version=str(raw.get("model_version") or ""),
        )

    def _pages(self, title: str = "") -> Iterator[dict[str, Any]]:
        number = 0
        while True:
            number += 1
            page = self._connection.get(
                "/api/projects",
                {
                    "include": COLUMNS,
                    "page": number,
                    "page_size": PROJECTS_PER_PAGE,
                    **({"title": title} if title else {}),
                },
            )
            yield from page["results"]
            if not page["next"]:
                return
