"""A person's settings: declared once here with type and default, kept as JSON, written atomically.

A damaged file is set aside under another name and never overwritten; a setting that a newer version wrote and this
one does not know is kept as it is.
"""

import json
import os
import time
from pathlib import Path
from typing import Any, Literal

import msgspec

from desktop.errors import ResourceError
from desktop.translation import tr

Theme = Literal["system", "light", "dark"]


class SamplingSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person's own sampling settings; None means: what the model's file says, else the engine's default."""

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    max_tokens: int | None = None


class Settings(msgspec.Struct, frozen=True):
    """Every setting. `text_scale` multiplies the system font; `context_length` and `threads` None mean automatic."""

    version: int = 1
    theme: Theme = "system"
    text_scale: float = 1.0
    language: str | None = None
    model: str | None = None
    context_length: int | None = None
    threads: int | None = None
    gpu_layers: int | None = None
    system_prompt: str = ""
    send_with_enter: bool = True
    window_geometry: str = ""
    sidebar_width: int = 0
    sampling: SamplingSettings = SamplingSettings()


class SettingsFile:
    """The settings on disk. `current` is what is in force; `problem` says what was wrong with the file, or is ""."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unknown: dict[str, Any] = {}
        self.problem = ""
        self.current = self._read()

    def change(self, **changes: Any) -> Settings:
        """The settings with `changes` made and written. Raises ResourceError where they cannot be written."""
        changed = msgspec.structs.replace(self.current, **changes)
        if changed != self.current:
            self.current = changed
            self._write(changed)
        return changed

    def _read(self) -> Settings:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return Settings()
        except OSError as error:
            self.problem = tr("The settings could not be read: {reason}. Defaults are in use.").format(
                reason=error.strerror
            )
            return Settings()
        try:
            values = json.loads(raw)
            settings = msgspec.convert(values, Settings)
        except (ValueError, msgspec.ValidationError) as error:
            aside = self._path.with_name(f"settings.damaged-{int(time.time())}.json")
            self.problem = tr(
                "The settings file is damaged ({reason}). Defaults are in use; the old file is kept as {file}."
            ).format(reason=error, file=aside.name)
            try:
                self._path.replace(aside)
            except OSError:
                self.problem = tr("The settings file is damaged ({reason}). Defaults are in use.").format(reason=error)
            return Settings()
        known = {field.name for field in msgspec.structs.fields(Settings)}
        self._unknown = {name: value for name, value in values.items() if name not in known}
        return settings

    def _write(self, settings: Settings) -> None:
        body = json.dumps({**self._unknown, **msgspec.to_builtins(settings)}, indent=2, ensure_ascii=False) + "\n"
        part = self._path.with_name(f".settings.{os.getpid()}.part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as error:
            raise ResourceError(
                tr("The settings could not be saved."),
                tr("Writing {file} failed: {reason}.").format(file=self._path, reason=error.strerror),
                tr("Free some space or make the folder writable. The change holds until Latchkey is closed."),
            ) from error
