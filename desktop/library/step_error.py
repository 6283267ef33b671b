"""Why the next step of `library.status` cannot be taken, as an error for whoever wants the model now."""

from collections.abc import Sequence

from desktop.byte_size import size_text
from desktop.errors import IntegrityError, NotFoundError, ResourceError, UserError
from desktop.library.installed_models import missing_file_error
from desktop.library.status import (
    AcceptLicenseStep,
    EnterTokenStep,
    FreeSpaceStep,
    ImportStep,
    NextStep,
    RefusedStep,
    RequestAccessStep,
    RestoreFileStep,
    VerifyStep,
    WaitForApprovalStep,
)
from desktop.split_files import is_piece
from desktop.translation import tr


def no_file_reason(repository: str, left_out: Sequence[str] = ()) -> str:
    """Why a repository offers nothing to fetch. `left_out` are names of its files that cannot be offered."""
    if any(is_piece(name.rpartition("/")[2]) for name in left_out):
        return tr(
            "{repository} holds files that were cut into pieces, such as {file}: fetch all pieces of one in a browser,"
            " and import the first as a copy, which joins them."
        ).format(repository=repository, file=left_out[0].rpartition("/")[2])
    return tr("{repository} holds no GGUF file that could be used.").format(repository=repository)


def step_error(step: NextStep, model_name: str) -> UserError | None:
    """Why `step` cannot be taken now, as an error; None for one that can."""
    match step:
        case RefusedStep(error) | AcceptLicenseStep(error=error):
            return error
        case EnterTokenStep(access) | RequestAccessStep(access) | WaitForApprovalStep(access):
            return access.error()
        case FreeSpaceStep(needed, free):
            return no_space_error(model_name, needed, free)
        case ImportStep(reason):
            return NotFoundError(
                tr("There is nothing to fetch of {model}.").format(model=model_name),
                reason,
                tr("Import a GGUF file of it with “latchkey models import FILE”."),
            )
        case VerifyStep(_, error):
            return error or IntegrityError(
                tr("The file of {model} is not what it was.").format(model=model_name),
                "",
                tr("“latchkey models verify” reads it again."),
            )
        case RestoreFileStep(path):
            return missing_file_error(model_name, path)
    return None


def no_space_error(model_name: str, needed: int, free: int) -> UserError:
    """The disk is too full for a download."""
    return ResourceError(
        tr("There is not enough space for {model}.").format(model=model_name),
        tr("It takes {needed} more; {free} are free.").format(
            needed=size_text(needed, "gigabytes"), free=size_text(free, "gigabytes")
        ),
        tr("Free some space, or choose a smaller quantization."),
    )
