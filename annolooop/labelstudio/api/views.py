"""Views of a Label Studio project: the tabs of its Data Manager, whose tasks can be labelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annolooop.labelstudio.api.connection import Connection
from annolooop.labelstudio.api.data_manager import Condition

VIEWS = "/api/dm/views/"
OUR_TITLES = "annoloop: "  # how the titles of our tabs begin: our own server keeps people in them
DEFAULT = "Default"  # what the Data Manager calls the tab that it makes where there is none


@dataclass(frozen=True)
class View:
    """A tab.

    Attributes:
        id: of it.
        conditions: which tasks it shows (see ``data_manager.condition``); people may have changed
            them.
    """

    id: int
    conditions: tuple[Mapping[str, Any], ...] = ()


class Views:
    """The views of a server's projects.

    Args:
        connection: to the server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(
        self,
        project: int,
        title: str,
        conditions: Sequence[Condition],
        ordering: Sequence[str],
        first: bool = False,
        columns: Mapping[str, int] | None = None,
    ) -> int:
        """Create the view of this title, or change the one that there is.

        Args:
            project: its id.
            title: of the tab.
            conditions: which tasks it shows: all of these hold (see ``data_manager.condition``).
            ordering: column, with a ``-`` before it for descending: ``tasks:data.queue``.
            first: put it before all other tabs.
            columns: the only ones that it shows, each with its width in pixels; default: all.

        Returns:
            Its id.
        """
        views = self._list(project)
        known = _with_title(views, title)
        data: dict[str, Any] = {
            "title": title,
            "type": "list",
            "target": "tasks",
            "filters": {"conjunction": "and", "items": [dict(one) for one in conditions]},
            "ordering": list(ordering),
        }
        if columns is not None:
            hidden = [name for name in self._columns(project) if name not in columns]
            data["hiddenColumns"] = {
                "explore": [f"tasks:{name}" for name in hidden],
                "labeling": [f"tasks:{name}" for name in hidden],
            }
            data["columnsWidth"] = {f"tasks:{name}": px for name, px in columns.items()}
        body = {"data": data, "project": project}
        if known is not None:
            view = known.id
            self._connection.call("PATCH", f"{VIEWS}{view}", body=body)
        else:
            if not views:
                # The Data Manager makes its own only where there is none; people look for it.
                self._connection.post(VIEWS, {"data": {"title": DEFAULT}, "project": project})
            view = int(self._connection.post(VIEWS, body)["id"])
        if first:
            self._put_first(project, view)
        return view

    def find(self, project: int, title: str) -> View | None:
        """The view with this title, if there is one."""
        return _with_title(self._list(project), title)

    def labelling_url(self, project: int, view: int) -> str:
        """Address of a view's labelling stream, for people."""
        return f"{self.list_url(project, view)}&labeling=1"

    def list_url(self, project: int, view: int) -> str:
        """Address of a view's list of tasks, for people."""
        return f"{self._connection.pages}/projects/{project}/data?tab={view}"

    def _list(self, project: int) -> list[dict[str, Any]]:
        """In the order of the tabs."""
        views: list[dict[str, Any]] = self._connection.get(VIEWS, {"project": project})
        return views

    def _columns(self, project: int) -> list[str]:
        found = self._connection.get("/api/dm/columns", {"project": project})["columns"]
        names = (f"{one['parent']}.{one['id']}" if "parent" in one else one["id"] for one in found)
        return [name for name in names if name != "data"]

    def _put_first(self, project: int, view: int) -> None:
        order = [int(one["id"]) for one in self._list(project)]
        if order[0] == view:
            return
        order = [view, *(one for one in order if one != view)]
        self._connection.call("POST", f"{VIEWS}order/", body={"project": project, "ids": order})


def _with_title(views: Sequence[Mapping[str, Any]], title: str) -> View | None:
    for view in views:
        data = view.get("data") or {}
        if data.get("title") == title:
            return View(int(view["id"]), tuple((data.get("filters") or {}).get("items") or ()))
    return None
