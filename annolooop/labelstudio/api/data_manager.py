"""Label Studio's Data Manager: pages of tasks by a filter, and actions on many tasks at once."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from annolooop.labelstudio.api.connection import Connection

TASKS_PER_PAGE = 1000
IDS_PER_URL = 50  # task ids in the address of one request, quoted

Condition = Mapping[str, object]


def condition(column: str, operator: str, kind: str, value: object) -> dict[str, object]:
    """One condition of a filter, as the tab of a project has it."""
    return {
        "filter": f"filter:tasks:{column}",
        "operator": operator,
        "type": kind,
        "value": value,
    }


class DataManager:
    """Lists tasks and runs actions; the resources of a server share it.

    Args:
        connection: to the server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def tasks(
        self, project: int, include: str, conditions: Sequence[Condition] = ()
    ) -> Iterator[dict[str, Any]]:
        """Tasks by id. Pages begin after a task: none moves when people delete others meanwhile.

        Args:
            project: its id.
            include: names of the columns, with commas.
            conditions: all of these hold for each task.
        """
        after: list[Condition] = []
        while True:
            page = self.page(project, include, [*conditions, *after], TASKS_PER_PAGE)
            tasks = page["tasks"]
            yield from tasks
            if not tasks or len(tasks) >= page["total"]:
                return
            after = [condition("id", "greater", "Number", int(tasks[-1]["id"]))]

    def page(
        self,
        project: int,
        include: str,
        conditions: Sequence[Condition] = (),
        size: int = TASKS_PER_PAGE,
        newest: bool = False,
        only: Sequence[int] | None = None,
        whole: bool = False,
    ) -> dict[str, Any]:
        """The first tasks by id, or the newest ones; one request.

        Args:
            project: its id.
            include: names of the columns, with commas.
            conditions: all of these hold for each task.
            size: number of tasks at most.
            newest: begin with the highest id.
            only: ids of the tasks to look at; default: all.
            whole: columns of other tables too, such as a task's predictions.
        """
        query: dict[str, Any] = {
            "filters": {"conjunction": "and", "items": list(conditions)},
            "ordering": ["-tasks:id" if newest else "tasks:id"],
        }
        if only is not None:
            query["selectedItems"] = {"all": False, "included": list(only)}
        page: dict[str, Any] = self._connection.get(
            "/api/tasks",
            {
                "project": project,
                "fields": "all" if whole else "task_only",
                "include": include,
                "page": 1,
                "page_size": size,
                "resolve_uri": "false",
                "query": json.dumps(query),
            },
        )
        return page

    def act(
        self,
        project: int,
        action: str,
        tasks: Iterable[int],
        conditions: Sequence[Condition] = (),
        **arguments: object,
    ) -> Any:
        """Run an action on those of some tasks for which all conditions hold; one request."""
        body: dict[str, object] = {"selectedItems": {"all": False, "included": list(tasks)}}
        if conditions:
            body["filters"] = {"conjunction": "and", "items": list(conditions)}
        parameters = {"id": action, "project": project}
        return self._connection.post("/api/dm/actions", {**body, **arguments}, parameters)
