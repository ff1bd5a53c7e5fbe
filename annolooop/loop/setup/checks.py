"""Results of checks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One line of `doctor` or `storage check`.

    ``status`` is ``ok``, ``warn``, ``fail`` or, where there is nothing to try, ``skip``.
    """

    name: str
    status: str
    detail: str
    fix: str = ""
    code: int = 0


@dataclass(frozen=True)
class DoctorReport:
    """All checks; ends with the exit code of the first that failed."""

    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """That of the first check that failed."""
        return next((check.code for check in self.checks if check.status == "fail"), 0)
