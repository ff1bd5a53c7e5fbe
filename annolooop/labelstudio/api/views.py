"""Views of a Label Studio project: the tabs of its Data Manager, whose tasks can be labelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annolooop.labelstudio.api.bulk import Marks

VIEWS = "/api/dm/views/"
DEFAULT = "Default"  # what the Data Manager calls the tab that it makes where there is none


@dataclass(frozen=True)
class View:
    """A tab.

    Attributes:
        id: of it.
        conditions: which tasks it shows (see ``tasks.condition``); people may have changed them.
    """

    id: int
    conditions: tuple[Mapping[str, Any], ...] = ()


class Views(Marks):
    """The views of a server's projects."""

    def put_view(
        self,
        project: int,
        title: str,
        conditions: Sequence[Mapping[str, object]],
        ordering: Sequence[str],
        first: bool = False,
    ) -> int:
        """Make the view of this title, or change it into this.

        Args:
            project: its id.
            title: of the tab.
            conditions: which tasks it shows: all of these hold (see ``tasks.condition``).
            ordering: column, with a ``-`` before it for descending: ``tasks:data.queue``.
            first: put it before all other tabs.

        Returns:
            Its id.
        """
        views = self._views(project)
        found = _named(views, title)
        wanted: dict[str, Any] = {
            "title": title,
            "type": "list",
            "target": "tasks",
            "filters": {"conjunction": "and", "items": [dict(one) for one in conditions]},
            "ordering": list(ordering),
        }
        if found is not None:
            known = found.id
            self._server.call("PATCH", f"{VIEWS}{known}", body={"data": wanted, "project": project})
        else:
            if not views:
                # The Data Manager makes its own only where there is none; people look for it.
                self._server.post(VIEWS, {"data": {"title": DEFAULT}, "project": project})
            made = self._server.post(VIEWS, {"data": wanted, "project": project})
            known = int(made["id"])
        if first:
            self._put_first(project, known)
        return known

    def find_view(self, project: int, title: str) -> View | None:
        """The view with this title, if there is one."""
        return _named(self._views(project), title)

    def view_url(self, project: int, view: int) -> str:
        """Address of a view's labelling stream, for people."""
        return f"{self.url}/projects/{project}/data?tab={view}&labeling=1"

    def _views(self, project: int) -> list[dict[str, Any]]:
        """In the order of the tabs."""
        found: list[dict[str, Any]] = self._server.get(VIEWS, {"project": project})
        return found

    def _put_first(self, project: int, view: int) -> None:
        others = [int(known["id"]) for known in self._views(project)]
        if others[0] == view:
            return
        order = [view, *(known for known in others if known != view)]
        self._server.call("POST", f"{VIEWS}order/", body={"project": project, "ids": order})


def _named(views: Sequence[Mapping[str, Any]], title: str) -> View | None:
    for view in views:
        data = view.get("data") or {}
        if data.get("title") == title:
            return View(int(view["id"]), tuple((data.get("filters") or {}).get("items") or ()))
    return None
