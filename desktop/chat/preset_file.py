"""Presets: named sets of what an answer is asked with. A few are built in; a person's own lie in one JSON file.

A damaged file is set aside under another name and never overwritten. What a newer version wrote and this one does not
know is kept as it is: single fields, and presets that cannot be used here.
"""

import errno
import json
import time
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from desktop.atomic_file import DamagedFileError, read_json, write_atomically, write_error
from desktop.engine.generation_options import GenerationOptions, SamplingParams, ThinkingOptions
from desktop.errors import NotFoundError, ResourceError, UserError
from desktop.translation import tr
from desktop.unknown_fields import unknown_fields

_LONGEST_NAME = 60
T = TypeVar("T", bound=msgspec.Struct)


class Preset(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an answer is asked with; None, and what is left out of `sampling` and `thinking`, changes nothing. The
    `model` is an id or a path."""

    system_prompt: str | None = None
    model: str | None = None
    sampling: SamplingParams = SamplingParams()
    max_tokens: int | None = None
    thinking: ThinkingOptions = ThinkingOptions()
    stop: tuple[str, ...] = ()

    def applied(self, options: GenerationOptions) -> GenerationOptions:
        """`options` with what the preset says in their place."""
        return msgspec.structs.replace(
            options,
            sampling=with_given(options.sampling, self.sampling),
            max_tokens=options.max_tokens if self.max_tokens is None else self.max_tokens,
            thinking=with_given(options.thinking, self.thinking),
            stop=self.stop or options.stop,
        )


BUILT_IN_PRESETS = {
    "precise": Preset(sampling=SamplingParams(temperature=0.2, top_k=20, top_p=0.9)),
    "balanced": Preset(sampling=SamplingParams(temperature=0.7, top_k=40, top_p=0.95, min_p=0.05)),
    "creative": Preset(sampling=SamplingParams(temperature=1.1, top_k=100, top_p=0.98, min_p=0.02)),
}


class PresetNameError(UserError):
    """A preset cannot have this name."""


class PresetFile:
    """The presets on disk. `problem` says what was wrong with the file, or with a preset in it, or is ""."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problem = ""

    def presets(self) -> dict[str, Preset]:
        """Every preset by its name, a person's own in place of a built-in one of that name."""
        return {**BUILT_IN_PRESETS, **self._usable(self._own())}

    def find(self, name: str) -> Preset:
        """The preset of that name. Raises NotFoundError."""
        found = self.presets().get(name)
        if found is None:
            raise _no_preset(name)
        return found

    def is_own(self, name: str) -> bool:
        """Whether it is a person's own, or one of theirs in place of a built-in one."""
        return name in self._usable(self._own())

    def set(self, name: str, preset: Preset) -> None:
        """Keep `preset` under `name`. Raises PresetNameError where that is no name, UserError where there is one of a
        newer version, ResourceError where it cannot be written."""
        if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
            raise PresetNameError(
                tr("A preset cannot be called that."),
                tr("A name has between 1 and {count} printable characters.").format(count=_LONGEST_NAME),
                tr("Choose another name."),
            )
        values = self._own()
        before = values["presets"].get(name, {})
        if name in values["presets"] and name not in self._usable(values):
            raise UserError(
                tr("The preset {name} cannot be changed.").format(name=name),
                self.problem,
                tr("Choose another name, or remove it: “latchkey presets remove {name}”.").format(name=name),
            )
        values["presets"][name] = _with_unknown(before, preset)
        self._write(values)

    def remove(self, name: str) -> None:
        """Forget a person's own preset; one that was in place of a built-in one gives way to that. Raises NotFoundError
        where there is none."""
        values = self._own()
        if name not in values["presets"]:
            if name in BUILT_IN_PRESETS:
                raise NotFoundError(
                    tr("The preset {name} is built in and stays.").format(name=name),
                    "",
                    tr("“latchkey presets set” puts one of your own in its place."),
                )
            raise _no_preset(name)
        del values["presets"][name]
        self._write(values)

    def _own(self) -> dict[str, Any]:
        """The file's value, with a dictionary of presets in it. Raises ResourceError where it cannot be read."""
        try:
            values = read_json(self._path, follow_link=True)
            if not isinstance(values, dict) or not isinstance(values.setdefault("presets", {}), dict):
                raise DamagedFileError(errno.EINVAL, tr("it holds no presets"), str(self._path))
        except (FileNotFoundError, NotADirectoryError):
            pass
        except DamagedFileError as error:
            self._set_aside(error)
        except OSError as error:
            raise ResourceError(
                tr("The presets could not be read."),
                tr("The system says: {reason}.").format(reason=error.strerror or error),
                tr("Look at the rights of {file}.").format(file=self._path),
            ) from error
        else:
            return values
        return {"version": 1, "presets": {}}

    def _usable(self, values: dict[str, Any]) -> dict[str, Preset]:
        """A person's own presets that this version can use; `problem` says it of one that it cannot."""
        usable: dict[str, Preset] = {}
        for name, raw in values["presets"].items():
            try:
                usable[name] = msgspec.convert(raw, Preset)
            except msgspec.ValidationError as error:
                self.problem = tr("The preset {name} cannot be used here and is kept as it is ({reason}).").format(
                    name=name, reason=error
                )
        return usable

    def _set_aside(self, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or str(error)
        aside = self._path.with_name(f"presets.damaged-{int(time.time())}.json")
        try:
            self._path.replace(aside)
        except OSError as refused:
            raise write_error(
                tr("The presets are damaged ({reason}).").format(reason=reason), self._path, refused, _make_room()
            ) from error
        self.problem = tr("The file of presets is damaged ({reason}); it is kept as {file}.").format(
            reason=reason, file=aside.name
        )

    def _write(self, values: dict[str, Any]) -> None:
        body = json.dumps(values, indent=2) + "\n"  # ASCII: half a character of a broken paste is no UTF-8
        try:
            write_atomically(self._path, body.encode("ascii"), keep_link=True)
        except OSError as error:
            raise write_error(tr("The preset could not be saved."), self._path, error, _make_room()) from error


def with_given(base: T, given: T) -> T:
    """`base` with every value of `given` that is not None in its place."""
    values = msgspec.structs.asdict(given)
    return msgspec.structs.replace(base, **{name: value for name, value in values.items() if value is not None})


def _with_unknown(before: dict[str, Any], preset: Preset) -> dict[str, Any]:
    """`preset` as the file has it, with what a newer version said in its place `before`."""
    values: dict[str, Any] = msgspec.to_builtins(preset)
    for part, kind in (("sampling", SamplingParams), ("thinking", ThinkingOptions)):
        if kept := unknown_fields(kind, before.get(part)):
            values[part] = kept | values.get(part, {})
    return unknown_fields(Preset, before) | values


def _no_preset(name: str) -> NotFoundError:
    return NotFoundError(
        tr("There is no preset {name}.").format(name=name), "", tr("“latchkey presets list” names them.")
    )


def _make_room() -> str:
    return tr("Free some space or make the folder writable.")
