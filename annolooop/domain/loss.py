"""Whether a pull would lose answers: the server has fewer, older, or those of another project."""

from annolooop.domain.annotations import ProjectCounts, Snapshot

ANSWERS = 5  # fewer lost ones are what people delete by hand
SHARE = 0.1  # of all answers, likewise


def is_other_project(last: Snapshot, project: ProjectCounts) -> bool:
    """Whether a snapshot has answers, of another project than this one."""
    return bool(last.annotations) and last.project != project.identity


def find_loss(last: Snapshot, pulled: Snapshot) -> str:
    """What is missing in ``pulled``, in words; empty where little or nothing is.

    Args:
        last: the newest snapshot.
        pulled: what the same project has now.
    """
    now = {a.id: a.updated_at for a in pulled.annotations}
    lost = sum(a.id not in now for a in last.annotations)
    older = sum(now.get(a.id, a.updated_at) < a.updated_at for a in last.annotations)
    total = len(last.annotations)
    if older:
        return f"{older} of {total} answers are older there than in"
    if lost >= ANSWERS and lost > SHARE * total:
        return f"{lost} of {total} answers are not there any more that are in"
    return ""
