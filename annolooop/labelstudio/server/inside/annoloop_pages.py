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
            _keep_to_tab(request)
        return self._answer(request)


def _keep_to_tab(request: Any) -> None:
    from data_manager.models import View  # Label Studio's; not before it has begun

    tab, project = request.GET.get("tabID", ""), request.GET.get("project", "")
    if not (tab.isdecimal() and project.isdecimal()):
        return
    view = View.objects.filter(pk=tab, project=project).select_related("filter_group").first()
    if view is None or not str((view.data or {}).get("title", "")).startswith(OURS):
        return
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
