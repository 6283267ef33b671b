"""What may be kept of how a model is loaded: checked before it is written, for the window and the command alike."""

from pathlib import Path

import msgspec

from desktop.errors import EngineError, NotFoundError, UserError
from desktop.settings import ModelSettings
from desktop.translation import tr

LONGEST_TEMPLATE = 1 << 20
"""A chat template has so many bytes at most."""


class ModelSettingsError(UserError):
    """Settings of a model cannot be kept as they were given."""


def check_model_settings(wanted: ModelSettings) -> None:
    """Raise ModelSettingsError where `wanted` could not be read again."""
    try:
        msgspec.convert(msgspec.to_builtins(wanted), ModelSettings)
    except msgspec.ValidationError as error:
        raise ModelSettingsError(
            tr("Settings of a model cannot be kept like that."),
            tr("The reason: {reason}.").format(reason=error),
            tr("Nothing was changed. Choose another value."),
        ) from error


def read_template(path: Path, remedy: str = "") -> str:
    """The chat template (Jinja) in a file; `remedy` is what to do where it is none.

    Raises NotFoundError where it cannot be read, EngineError where it is no text in UTF-8, empty or too large.
    """
    remedy = remedy or tr("Choose the file of a Jinja template.")
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_TEMPLATE + 1).decode("utf-8")
    except OSError as error:
        raise NotFoundError(tr("{file} cannot be read.").format(file=path), error.strerror or "") from error
    except UnicodeDecodeError as error:
        raise EngineError(
            tr("{file} is no chat template: it is not text in UTF-8.").format(file=path.name), remedy=remedy
        ) from error
    if len(text.encode()) > LONGEST_TEMPLATE or not text.strip():
        raise EngineError(
            tr("{file} is no chat template: it is empty, or larger than a megabyte.").format(file=path.name),
            remedy=remedy,
        )
    return text
