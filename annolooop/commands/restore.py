"""`annoloop restore`: bring back what Label Studio lost."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.wording import moment, size
from annolooop.console.console import Console
from annolooop.errors import UsageError, counted

if TYPE_CHECKING:
    from annolooop.loop.dataset.restore import RestoreReport
    from annolooop.loop.setup.backup import BackupListReport, PutBackReport


def restore(
    console: Console,
    backup: Annotated[
        str | None,
        typer.Argument(
            metavar="[BACKUP]", help="A file of `annoloop backup`, or its name in the store."
        ),
    ] = None,
    snapshot: Annotated[
        int | None,
        typer.Option(
            "--snapshot", min=1, metavar="N", help="Answers of this snapshot; default: the newest."
        ),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Only list the backups.")] = False,
) -> "RestoreReport | PutBackReport | BackupListReport":
    """Bring back what Label Studio lost.

    Examples:
      annoloop restore                  # the answers of the newest snapshot
      annoloop restore --snapshot 3     # those of an older one
      annoloop restore backup.tar.gz    # the whole database, as it was

    Without a backup, the store is enough: it makes the project, the tasks and the accounts that
    Label Studio does not have, and adds each answer with its person, its times and what else
    belongs to it. What people answered since stays.

    A backup takes the place of the whole database of the local Label Studio, which has to be
    stopped; the one before is kept.
    """
    from annolooop.stack import open_stack

    stack = open_stack(console)
    if list_ or backup:
        from annolooop.loop.setup.backup import list_backups, put_back

        if snapshot:
            raise UsageError(
                "--snapshot does not go with a backup or --list",
                "First: annoloop restore BACKUP; then: annoloop up; then: annoloop restore",
            )
        return put_back(stack, backup) if backup else list_backups(stack)
    from annolooop.loop.dataset.restore import restore

    return restore(stack, snapshot or 0, console.track)


def print_restore(
    console: Console, report: "RestoreReport | PutBackReport | BackupListReport"
) -> None:
    """Print what was brought back."""
    from annolooop.loop.setup.backup import BackupListReport, PutBackReport

    if isinstance(report, BackupListReport):
        console.table(
            ("backup", "when", "size"),
            [(row.name, moment(row.created_at), size(row.bytes)) for row in report.backups],
        )
        if report.backups:
            console.next(f"annoloop restore {report.backups[-1].name}")
        else:
            console.next("annoloop backup", "there is none yet")
    elif isinstance(report, PutBackReport):
        console.print(f"Label Studio's database is that of {moment(report.created_at)} again")
        if report.kept:
            console.print(f"the one before is kept: {report.kept}")
        console.next("annoloop up", "then annoloop restore adds the answers pulled since")
    else:
        _print_answers(console, report)


def _print_answers(console: Console, report: "RestoreReport") -> None:
    if report.made:
        console.print(f"made: the Label Studio project {report.project}")
    console.print(
        f"of the {report.answers} answers of snapshot {report.snapshot}, {report.there} were "
        f"there, and {report.added} were added"
    )
    if report.changed:
        console.print(
            f"older in Label Studio, and as before again: {counted(report.changed, 'answer')}"
        )
    if report.newer:
        console.print(f"changed by people since, and left so: {counted(report.newer, 'answer')}")
    if report.lost:
        console.print(f"not taken by Label Studio: {counted(report.lost, 'answer')}")
    if not report.times:
        console.print("Label Studio shows the time of this command for answers that were added")
    for title, counts in (("person", report.people), ("label", report.labels)):
        rows = [(name, before, after) for name, (before, after) in counts.items()]
        console.table((title, f"in snapshot {report.snapshot}", "now"), rows)
    for email in report.accounts:
        console.print(f"account made again, without a password: {email}")
    if report.accounts:
        console.say("Give each a new password in Label Studio, under /admin, or invite them anew.")
    console.next("annoloop sync", "to make the other tasks and predictions again")
