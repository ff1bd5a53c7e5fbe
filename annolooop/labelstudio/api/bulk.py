"""Marks in the data of many tasks at once, and predictions taken back from many."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from string import ascii_letters
from typing import Any

from annolooop.errors import UnreachableError
from annolooop.labelstudio.api.connection import NotFound
from annolooop.labelstudio.api.projects import PAGE
from annolooop.labelstudio.api.tasks import Tasks

FEW = 8  # tasks that are marked as quickly one by one


class Marks(Tasks):
    """What is changed of many tasks in a few requests.

    Changing the data of one task costs a request of a quarter of a second on SQLite, and several
    at once gain nothing. So the Data Manager's own action is used, which sets one value in all
    tasks of a selection, or replaces a part of it. It moves no task's time of change.
    """

    def mark(self, project: int, name: str, values: Mapping[int, str]) -> None:
        """Set one value in the data of each of these tasks; their other data stay.

        Args:
            project: whose tasks they are; those that were deleted meanwhile are left out.
            name: of the value.
            values: task id -> what it is to be.
        """
        if len(values) > FEW and len(set(map(len, values.values()))) == 1:
            with suppress(UnreachableError):  # no such action, or of another kind
                for tasks in _slices(list(values), PAGE):
                    self._mark_together(project, name, {task: values[task] for task in tasks})
                return
        for task, value in values.items():
            with suppress(NotFound):
                self.update_data(task, **{name: value})

    def _mark_together(self, project: int, name: str, values: Mapping[int, str]) -> None:
        """Set what they have in common, then replace each place where they differ.

        Values of n digits cost at most 10 n requests, whatever the number of tasks.
        """
        columns = list(zip(*values.values(), strict=True))
        free = iter(c for c in ascii_letters if not any(c in column for column in columns))
        standing = [c[0] if len(set(c)) == 1 else next(free) for c in columns]
        change = {"value_name": name, "value_type": "String", "value": "".join(standing)}
        self._act(project, "add_data_field", values, change)
        for place, (column, stand_in) in enumerate(zip(columns, standing, strict=True)):
            if stand_in == column[0]:
                continue
            having: dict[str, list[int]] = defaultdict(list)
            for task, value in values.items():
                having[value[place]].append(task)
            for character, tasks in having.items():
                told = f"replace('{stand_in}','{character}')"
                change = {"value_name": name, "value_type": "Expression", "value": told}
                self._act(project, "add_data_field", tasks, change)

    def forget_all_predictions(self, project: int, tasks: Sequence[int]) -> None:
        """Delete all predictions of these tasks."""
        for some in _slices(tasks, PAGE):
            self._act(project, "delete_tasks_predictions", some, {})

    def ask_of(self, task: int, people: int) -> None:
        """How many people should annotate a task."""
        with suppress(NotFound):
            self._server.call("PATCH", f"/api/tasks/{task}", body={"overlap": people})

    def count_tasks(self, project: int, conditions: Sequence[Mapping[str, object]]) -> int:
        """How many tasks fulfil all conditions; one request."""
        return int(self._task_page(project, "id", conditions, 1)["total"])

    def _act(
        self, project: int, action: str, tasks: Iterable[int], change: Mapping[str, Any]
    ) -> None:
        body = {"selectedItems": {"all": False, "included": list(tasks)}, **change}
        self._server.post("/api/dm/actions", body, {"id": action, "project": project})


def _slices(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (items[start : start + size] for start in range(0, len(items), size))
