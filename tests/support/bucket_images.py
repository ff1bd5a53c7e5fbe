"""Images of a bucket, as they are seen through a real Label Studio."""

from support.project import Project

NAMES = ["aria 0.jpg", "aria 1.jpg", "aria\n2.jpg", "not_aria#ü+&.jpg", "not_aria%41?.jpg"]


def see_all(project: Project, *overrides: str) -> None:
    """Every task's image, as a browser asks Label Studio for it, is the one of the store."""
    stack = project.stack(*overrides)
    found = stack.studio.projects.find("aria_detector")
    assert found
    for task in stack.studio.tasks.list(found.id):
        kind, data = stack.studio.fetch(stack.studio.tasks.image_address(found.id, task.id))
        assert kind == "image/jpeg", (task.key, kind)
        assert data == stack.store.get(task.key)


def answer_all(project: Project) -> None:
    """Give each task the label that the name of its picture tells."""
    stack = project.stack()
    found = stack.studio.projects.find("aria_detector")
    assert found
    for task in stack.studio.tasks.list(found.id):
        label = "not_aria" if "not_aria" in task.key else "aria"
        stack.studio.annotations.create(found.id, task.id, [label], 1.0)
