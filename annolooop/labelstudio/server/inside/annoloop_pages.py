"""What we change in Label Studio's pages and requests. It is run in its own environment."""

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

OURS = os.environ.get("ANNOLOOP_TABS", "annoloop: ")  # how titles of our tabs begin
REVIEW = f"{OURS}review"  # title of the tab of labels that may be wrong
ASKED = "annoloop_review"  # in the data of a task that the stream of this tab serves: why
LATER = "annoloop_later"  # cookie of our script: tasks that were set aside

SCRIPT = Path(__file__).with_name("labelling.js").read_text(encoding="utf-8")
TAG = f'<script id="annoloop-labelling">{SCRIPT}</script>'.encode()

Answer = Callable[[Any], Any]


class QueueStays:
    """The stream of a tab of ours serves the tasks of the tab, in its order.

    "Label All Tasks", the large button above each tab, has the page ask for any task of the
    project, and the page remembers that for all tabs. A tab of people's own is left alone, and so
    is a request for tasks that people have ticked.

    Args:
        answer: what answers the request.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __call__(self, request: Any) -> Any:
        """Answer a request."""
        asks = request.method == "POST" and request.path_info.rstrip("/") == "/api/dm/actions"
        if not asks or request.GET.get("id") != "next_task":
            return self._answer(request)
        view = _our_tab(request)
        if view is not None and view.data["title"] == REVIEW:
            return self._review(request, view)
        if view is not None:
            _keep_to_tab(request, view)
        return self._answer(request)

    def _review(self, request: Any, view: Any) -> Any:
        """The next annotation of the tab that nobody has answered about, opened to be changed.

        Label Studio alone gives no task that is labelled, and where it does, a new annotation.
        """
        from django.http import JsonResponse, QueryDict

        task, annotation = _next_to_review(view, request.COOKIES.get(LATER, "").split("."))
        if annotation is None:
            return JsonResponse({"detail": "All of this review is answered."}, status=404)
        address = f"/api/tasks/{task}/"
        request.path = request.path.removesuffix(request.path_info) + address
        request.path_info = request.META["PATH_INFO"] = address
        request.method = request.META["REQUEST_METHOD"] = "GET"
        request.GET = QueryDict(f"project={view.project_id}")
        response = self._answer(request)
        if response.status_code == 200:
            found = json.loads(response.content)
            found["annotations"] = [one for one in found["annotations"] if one["id"] == annotation]
            found["default_selected_annotation"] = annotation  # the page goes on after "Update"
            found["data"][ASKED] = str(found["data"].get("review", "")).partition(" ")[2]
            response.content = json.dumps(found)
            if response.has_header("Content-Length"):
                response["Content-Length"] = str(len(response.content))
        return response


def _our_tab(request: Any) -> Any:
    """The tab of ours that a request for the next task is about, or None."""
    from data_manager.models import View  # Label Studio's; not before it has begun

    tab, project = request.GET.get("tabID", ""), request.GET.get("project", "")
    if not (tab.isdecimal() and project.isdecimal()):
        return None
    view = View.objects.filter(pk=tab, project=project).select_related("filter_group").first()
    ours = view is not None and str((view.data or {}).get("title", "")).startswith(OURS)
    return view if ours else None


def _next_to_review(view: Any, later: list[str]) -> tuple[int, int | None]:
    """A task and its last annotation; none where all were answered since the review was opened.

    The tab shows tasks that are older than that, which is how it is known.

    Args:
        view: the tab.
        later: tasks that the person set aside: they come last, in this order.
    """
    from tasks.models import Annotation, Task  # type: ignore[import-not-found]

    shown = view.get_prepare_tasks_params()
    items = shown.filters.items if shown.filters else []
    opened = next((one.value for one in items if one.filter == "filter:tasks:created_at"), None)
    if opened is None:  # people took the condition away
        return 0, None
    tasks = list(Task.prepared.only_filtered(prepare_params=shown).values_list("id", flat=True))
    last = {}
    found = Annotation.objects.filter(task__in=tasks, was_cancelled=False).order_by("updated_at")
    for task, annotation, moment in found.values_list("task_id", "id", "updated_at"):
        last[task] = (annotation, moment)
    since = datetime.fromisoformat(str(opened).replace("Z", "+00:00"))
    left = [task for task in tasks if task in last and last[task][1] <= since]
    places = {int(task): place for place, task in enumerate(later) if task.isdecimal()}
    task = min(left, key=lambda task: places.get(task, -1), default=0)
    return task, last[task][0] if task else None


def _keep_to_tab(request: Any, view: Any) -> None:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        return  # Label Studio refuses it
    if not isinstance(body, dict) or (body.get("selectedItems") or {}).get("included"):
        return
    shown = view.get_prepare_tasks_params()
    if not (body.get("selectedItems") or {}).get("all"):
        body.pop("selectedItems", None)
    body["ordering"] = shown.ordering
    body["filters"] = shown.filters.model_dump(mode="json") if shown.filters else None
    request._body = json.dumps(body).encode()  # what Django reads it from


class KeysLabel:
    """The pages of Label Studio's application get our script for the labelling page.

    Args:
        answer: what answers the request.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __call__(self, request: Any) -> Any:
        """Answer a request."""
        response = self._answer(request)
        if response.streaming or not response.get("Content-Type", "").startswith("text/html"):
            return response
        page = response.content
        if b'id="app-settings"' in page and TAG not in page:  # Label Studio may ask itself
            response.content = page.replace(b"</head>", TAG + b"</head>", 1)
            if response.has_header("Content-Length"):
                response["Content-Length"] = str(len(response.content))
        return response
