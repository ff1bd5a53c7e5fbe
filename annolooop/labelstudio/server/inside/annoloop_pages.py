"""What we change in Label Studio's pages and requests. It is run in its own environment."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

OURS = os.environ.get("ANNOLOOP_TABS", "annoloop: ")  # how titles of our tabs begin

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
        if asks and request.GET.get("id") == "next_task":
            view = find_tab(request.GET.get("tabID", ""), request.GET.get("project", ""))
            if view is not None:
                _keep_to_tab(request, view)
        return self._answer(request)


def find_tab(tab: str, project: str) -> Any:
    """The tab of ours with this number, or None."""
    from data_manager.models import View  # Label Studio's; not before it has begun

    if not (tab.isdecimal() and project.isdecimal()):
        return None
    view = View.objects.filter(pk=tab, project=project).select_related("filter_group").first()
    ours = view is not None and str((view.data or {}).get("title", "")).startswith(OURS)
    return view if ours else None


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
            replace_content(response, page.replace(b"</head>", TAG + b"</head>", 1))
        return response


def replace_content(response: Any, content: bytes) -> None:
    """Answer something else."""
    response.content = content
    if response.has_header("Content-Length"):
        response["Content-Length"] = str(len(content))
