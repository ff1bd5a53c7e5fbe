"""The tab of labels that may be wrong: each opens to be confirmed or corrected, then the next one.

Label Studio alone gives no task that is labelled, and where it does, it begins a new annotation.
"""

import json
import re
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from annoloop_pages import OURS, Answer, find_tab, replace_content

TITLE = f"{OURS}review"  # of the tab
FIELD = "review"  # in a task's data: "r0001-00001-17 hat? It looks like dress"
MARK = re.compile(r"r\d+-\d+-(\d+) ")  # review, place, annotation
CHOICES = re.compile(r"choices: \[([^\]]+)\]")
OPENED = "filter:tasks:created_at"  # the condition of the tab that says when it was opened
LATER = "annoloop_later"  # cookie of our script: tasks that the person set aside, with dots
SECONDS = 120.0  # for so long, an image that somebody looks at is the last one that others get


class Reviews:
    """The stream of this tab, and what stands in its list.

    Args:
        answer: what answers a request.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._served: dict[int, tuple[str, float]] = {}  # task -> to whom, and when

    def __call__(self, request: Any) -> Any:
        """Answer a request."""
        path, asked, project = request.path_info.rstrip("/"), request.GET, "project"
        if request.method == "POST" and path == "/api/dm/actions":
            view = asked.get("id") == "next_task" and find_tab(
                asked.get("tabID", ""), asked.get(project, "")
            )
            if view and view.data["title"] == TITLE:
                return self._next(request, view)
        elif request.method == "GET" and path == "/api/tasks" and "view" in asked:
            view = find_tab(asked["view"], asked.get(project, ""))
            if view and view.data["title"] == TITLE:
                return _in_words(self._answer(request))
        return self._answer(request)

    def _next(self, request: Any, view: Any) -> Any:
        """The next answer of the tab that nobody has given again since the review was opened."""
        from django.http import JsonResponse, QueryDict

        left = _left(view)
        if not left:
            return JsonResponse({"detail": "All of this review is answered."}, status=404)
        who = str(request.user.pk or request.headers.get("Authorization"))
        later = str(request.COOKIES.get(LATER, "")).split(".")
        task = min(left, key=lambda task: (self._is_with_others(task, who), _place(task, later)))
        self._served[task] = (who, time.monotonic())
        address = f"/api/tasks/{task}/"
        request.path = request.path.removesuffix(request.path_info) + address
        request.path_info = request.META["PATH_INFO"] = address
        request.method = request.META["REQUEST_METHOD"] = "GET"
        request.GET = QueryDict(f"project={view.project_id}")
        response = self._answer(request)
        return _opened(response, left[task]) if response.status_code == 200 else response

    def _is_with_others(self, task: int, who: str) -> bool:
        other, since = self._served.get(task, (who, 0.0))
        return other != who and time.monotonic() - since < SECONDS


def _left(view: Any) -> dict[int, list[int]]:
    """Task -> its annotations, the latest last; of tasks that are not answered yet, in their order.

    All tasks of the tab are older than the review, and it has a condition that says so.
    """
    from tasks.models import Annotation, Task  # Label Studio's

    shown = view.get_prepare_tasks_params()
    items = shown.filters.items if shown.filters else []
    opened = next((str(one.value) for one in items if one.filter == OPENED), "")
    if not opened:  # people took the condition away
        return {}
    since = datetime.fromisoformat(opened.replace("Z", "+00:00"))
    left: dict[int, list[int]] = {
        task: []
        for task in Task.prepared.only_filtered(prepare_params=shown).values_list("id", flat=True)
    }
    answers = Annotation.objects.filter(task__in=[*left], was_cancelled=False)
    answered = set()
    for task, annotation, moment in answers.order_by("updated_at").values_list(
        "task_id", "id", "updated_at"
    ):
        left[task].append(annotation)
        if moment > since:
            answered.add(task)
    return {task: ids for task, ids in left.items() if ids and task not in answered}


def _place(task: int, later: Sequence[str]) -> int:
    return later.index(str(task)) if str(task) in later else -1


def _opened(response: Any, annotations: Sequence[int]) -> Any:
    """A task as the page opens it: with the answer that is in doubt."""
    task = json.loads(response.content)
    mark = str(task["data"].get(FIELD, ""))
    match = MARK.match(mark)
    asked = int(match[1]) if match and int(match[1]) in annotations else annotations[-1]
    task["annotations"] = [one for one in task["annotations"] if one["id"] == asked]
    task["default_selected_annotation"] = asked  # with it, the page goes on after "Update"
    # For our script. Where several people answered, the answer that was looked at settles it.
    task["data"]["annoloop_review"] = MARK.sub("", mark)
    task["data"]["annoloop_settles"] = len(annotations) > 1
    replace_content(response, json.dumps(task).encode())
    return response


def _in_words(response: Any) -> Any:
    """The list: labels and reasons as people say them."""
    if response.status_code != 200:
        return response
    page = json.loads(response.content)
    for task in page.get("tasks", ()):
        results = str(task.get("annotations_results", ""))  # JSON without its quotes, cut off
        task["annotations_results"] = ", ".join(CHOICES.findall(results)) or results
        if FIELD in task.get("data", {}):
            task["data"][FIELD] = MARK.sub("", str(task["data"][FIELD]))
    replace_content(response, json.dumps(page).encode())
    return response
