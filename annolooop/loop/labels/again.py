"""Images whose answers say nothing are asked again, in a tab of the project."""

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.answers import TaskCounts
from annolooop.labelstudio.api.data_manager import condition
from annolooop.labelstudio.api.views import OUR_TITLES
from annolooop.stack import Stack

TITLE = f"{OUR_TITLES}answer again"  # of the tab
# Label Studio keeps results as JSON: no annotation of such a task has a list that holds a text.
SAYS_NOTHING = (
    condition("total_annotations", "greater", "Number", 0),
    condition("annotations_results", "not_contains", "String", '"choices": ["'),
)


def ask_again(stack: Stack, project: ProjectCounts, choice: str, counts: TaskCounts) -> str:
    """Make the tab that shows tasks without an answer which says something.

    Label Studio gives nobody a task twice that they have submitted, so people open these tasks in
    the tab, choose a label, and update their annotation. Who did leaves the tab by that: it
    shows what is so now.

    Returns:
        Its address; empty where there are no such tasks.
    """
    if choice == "multiple" or not (counts.empty or counts.unreadable):
        return ""
    views = stack.studio.views
    view = views.find(project.id, TITLE)
    number = view.id if view else views.put(project.id, TITLE, SAYS_NOTHING, ["tasks:id"])
    return views.list_url(project.id, number)


def find_again(stack: Stack, project: ProjectCounts) -> tuple[str, int]:
    """Address of that tab, and how many tasks it shows now; empty and 0 without it."""
    view = stack.studio.views.find(project.id, TITLE)
    if view is None:
        return "", 0
    left = stack.studio.tasks.count(project.id, SAYS_NOTHING)
    return stack.studio.views.list_url(project.id, view.id), left
