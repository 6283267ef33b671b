"""Presets: named sets of what an answer is asked with. A few are built in; a person's own lie in one JSON file.

A damaged file is set aside under another name and never overwritten. What a newer version wrote and this one does not
know is kept as it is: single fields, and presets that cannot be used here.
"""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from desktop.chat.named_values_file import FileSentences, NamedValuesFile, check_name
from desktop.engine.generation_options import GenerationOptions, SamplingParams, ThinkingOptions
from desktop.errors import NotFoundError, UserError
from desktop.translation import tr
from desktop.unknown_fields import unknown_fields

_MOST_RENAMES = 100
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
        self._file = NamedValuesFile(path, "presets", _sentences())
        self._unusable = ""

    @property
    def problem(self) -> str:
        return self._unusable or self._file.problem

    def presets(self) -> dict[str, Preset]:
        """Every preset by its name, a person's own in place of a built-in one of that name."""
        return {**BUILT_IN_PRESETS, **self._usable(self._own())}

    def find(self, name: str) -> Preset:
        """The preset of that name. Raises NotFoundError."""
        found = self.presets().get(name)
        if found is None:
            raise _no_preset(name)
        return found

    def followed(self, name: str) -> Preset | None:
        """The preset of that name, or the one that had it before it was renamed; None where there is none."""
        presets = self.presets()
        return presets.get(name) or presets.get(self.renamed().get(name, ""))

    def renamed(self) -> dict[str, str]:
        """What presets that were renamed are called now, by the names that they had."""
        values = self._own()
        presets, renames = {**BUILT_IN_PRESETS, **self._usable(values)}, _renames(values)
        found: dict[str, str] = {}
        for name in renames:
            now = name
            for _ in range(_MOST_RENAMES):
                if now in presets:
                    break
                now = str(renames.get(now, ""))
            if now in presets and now != name:
                found[name] = now
        return found

    def is_own(self, name: str) -> bool:
        """Whether it is a person's own, or one of theirs in place of a built-in one."""
        return name in self._usable(self._own())

    def set(self, name: str, preset: Preset) -> None:
        """Keep `preset` under `name`. Raises PresetNameError where that is no name, UserError where there is one of a
        newer version, ResourceError where it cannot be written."""
        _check_name(name)
        with self._file.change() as values:
            before = values["presets"].get(name, {})
            if name in values["presets"] and name not in self._usable(values):
                raise UserError(
                    tr("The preset {name} cannot be changed.").format(name=name),
                    self.problem,
                    tr("Choose another name, or remove it: “latchkey presets remove {name}”.").format(name=name),
                )
            values["presets"][name] = _with_unknown(before, preset)
            _renames(values).pop(name, None)

    def rename(self, name: str, other: str) -> None:
        """Call a person's own preset `other`; what names it by the old name still finds it. Raises NotFoundError where
        there is none, PresetNameError where `other` is no name or has a preset."""
        with self._file.change() as values:
            if name not in values["presets"]:
                raise _no_preset(name)
            _check_name(other)
            if other in {**BUILT_IN_PRESETS, **values["presets"]}:
                raise PresetNameError(
                    tr("There is a preset {name} already.").format(name=other), "", tr("Choose another name.")
                )
            values["presets"] = {other if key == name else key: value for key, value in values["presets"].items()}
            renames = _renames(values)
            renames.pop(other, None)
            if name not in BUILT_IN_PRESETS:
                values["renamed"] = {**renames, name: other}

    def restore(self, name: str, stored: Any) -> None:
        """Bring back a preset as `remove` gave it. Raises ResourceError where it cannot be written."""
        with self._file.change() as values:
            values["presets"].setdefault(name, stored)

    def remove(self, name: str) -> Any:
        """Forget a person's own preset; one that was in place of a built-in one gives way to that. What was stored of
        it, for `restore`. Raises NotFoundError where there is none."""
        with self._file.change() as values:
            if name not in values["presets"]:
                if name in BUILT_IN_PRESETS:
                    raise NotFoundError(
                        tr("The preset {name} is built in and stays.").format(name=name),
                        "",
                        tr("“latchkey presets set” puts one of your own in its place."),
                    )
                raise _no_preset(name)
            return values["presets"].pop(name)

    def _own(self) -> dict[str, Any]:
        """The file's value, with a dictionary of presets in it. Raises ResourceError where it cannot be read."""
        return self._file.read()

    def _usable(self, values: dict[str, Any]) -> dict[str, Preset]:
        """A person's own presets that this version can use; `problem` says it of one that it cannot."""
        usable: dict[str, Preset] = {}
        for name, raw in values["presets"].items():
            try:
                usable[name] = msgspec.convert(raw, Preset)
            except msgspec.ValidationError as error:
                self._unusable = tr("The preset {name} cannot be used here and is kept as it is ({reason}).").format(
                    name=name, reason=error
                )
        return usable


def with_given(base: T, given: T) -> T:
    """`base` with every value of `given` that is not None in its place."""
    values = msgspec.structs.asdict(given)
    return msgspec.structs.replace(base, **{name: value for name, value in values.items() if value is not None})


def _check_name(name: str) -> None:
    check_name(name, PresetNameError, tr("A preset cannot be called that."))


def _sentences() -> FileSentences:
    return FileSentences(
        tr("The presets could not be read."),
        tr("The preset could not be saved."),
        tr("The presets are damaged ({reason})."),
        tr("The file of presets is damaged ({reason}); it is kept as {file}."),
        tr("it holds no presets"),
    )


def _renames(values: dict[str, Any]) -> dict[str, Any]:
    """Of the file's value: what presets that were renamed are called now, by their old names."""
    renamed = values.get("renamed")
    return renamed if isinstance(renamed, dict) else {}


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
