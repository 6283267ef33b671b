"""Every kind of failure has the exit code that the command's contract gives it."""

import pytest

from desktop import errors
from desktop.cli.exit_codes import UsageError, exit_code


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (UsageError, 2),
        (errors.NotFoundError, 3),
        (errors.LicenseError, 4),
        (errors.AccessError, 5),
        (errors.EngineError, 6),
        (errors.IntegrityError, 7),
        (errors.UnreadableFileError, 7),
        (errors.ForbiddenError, 8),
        (errors.NetworkError, 9),
        (errors.ResourceError, 10),
    ],
)
def test_a_failure_has_its_own_code(kind: type[errors.UserError], code: int) -> None:
    assert exit_code(kind("It failed.")) == code


def test_every_kind_of_error_a_person_can_act_on_has_a_code_of_its_own() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.UserError)]
    sharing = errors.UnreadableFileError  # what is damaged, as IntegrityError says it of Latchkey's own files
    codes = [exit_code(kind("It failed.")) for kind in kinds if kind.__base__ is errors.UserError and kind != sharing]
    assert len(codes) == len(set(codes))
