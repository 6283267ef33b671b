"""A person's settings: declared once here with type and default, kept as JSON, written atomically.

A damaged file is set aside under another name and never overwritten. What a newer version wrote is kept as it is:
settings that this one does not know, and values that it cannot use, in whose place the default counts. Where the file
is a link to one that a person keeps elsewhere, it stays a link.
"""

import errno
import json
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from desktop.atomic_file import write_atomically, write_error
from desktop.conversation import ChatOptions, ContextChoice
from desktop.errors import ResourceError
from desktop.folder_lock import folder_lock
from desktop.safe_text import one_line
from desktop.translation import tr
from desktop.unknown_fields import read_known, with_changes

_LARGEST = 8 << 20
_MOST_NAMED = 5
ThemeName = Literal["system", "light", "dark"]
KvCacheType = Literal["f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]
_DAMAGE = (ValueError, RecursionError, msgspec.ValidationError)


class SamplingSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person's own sampling settings; None means: what the model's file says, else the engine's default."""

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    max_tokens: int | None = None


class AcceptanceSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person last accepted a license as: their name, their organization, their purpose; "" where not known.

    Proposed for licenses that restrict nothing, and for no other.
    """

    name: str = ""
    organization: str = ""
    purpose: Literal["", "personal", "research", "commercial"] = ""

    @property
    def complete(self) -> bool:
        """Whether a license can be accepted with it."""
        return bool(self.name.strip() and self.purpose)


class AdapterSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """An adapter (LoRA) on top of a model: its file, and by how much its weights are multiplied."""

    path: str
    scale: Annotated[float, msgspec.Meta(ge=-100, le=100)] = 1.0


class ModelSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one model is loaded and answers, kept with it. None and "" mean: as the settings for all models say, else
    automatic.

    `key_type` and `value_type` are the types of the KV cache. `chat_template` (Jinja) counts in place of the model's
    own; an answer ends before any of `stops`. `devices` names GPUs as the engine test and `doctor` do, `tensor_split`
    gives each its portion. `adapters` are put on top of the model. The fields from `system_prompt` on are what its
    answers are asked with, as in `ChatOptions`.
    """

    context_length: Annotated[int, msgspec.Meta(ge=1, le=1 << 30)] | None = None
    gpu_layers: Annotated[int, msgspec.Meta(ge=-1, le=100_000)] | None = None
    key_type: KvCacheType | None = None
    value_type: KvCacheType | None = None
    threads: Annotated[int, msgspec.Meta(ge=1, le=4096)] | None = None
    parallel: Annotated[int, msgspec.Meta(ge=1, le=64)] | None = None
    use_mmap: bool | None = None
    use_mlock: bool | None = None
    chat_template: Annotated[str, msgspec.Meta(max_length=1 << 20)] = ""
    stops: Annotated[tuple[str, ...], msgspec.Meta(max_length=64)] = ()
    devices: Annotated[tuple[str, ...], msgspec.Meta(max_length=64)] = ()
    tensor_split: Annotated[tuple[float, ...], msgspec.Meta(max_length=64)] = ()
    adapters: Annotated[tuple[AdapterSettings, ...], msgspec.Meta(max_length=16)] = ()
    system_prompt: Annotated[str, msgspec.Meta(max_length=1 << 20)] = ""
    preset: str | None = None
    sampling: dict[str, float | int | str | None] = {}
    thinking: bool | None = None
    effort: Literal["low", "medium", "high"] | None = None
    thinking_budget: int | None = None

    @property
    def options(self) -> ChatOptions:
        """What its answers are asked with, the system prompt apart."""
        thought = (self.thinking, self.effort, self.thinking_budget)
        return ChatOptions(self.preset, self.sampling, *thought, context_length=self.context_length)


class ServerSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the window's server is turned on: where it listens, how many answers of one model it gives at once (None: as
    `parallel_answers` says), the ids of the models that it offers (() for all), and whether it is turned on whenever
    Latchkey starts."""

    address: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 11_535
    parallel: Annotated[int, msgspec.Meta(ge=1, le=64)] | None = None
    models: Annotated[tuple[str, ...], msgspec.Meta(max_length=1000)] = ()
    at_start: bool = False


class Settings(msgspec.Struct, frozen=True):
    """Every setting. `text_scale` multiplies the system font; `context_length` and `threads` None mean automatic.
    `speculation` guesses tokens ahead, where it pays with "auto" (`GenerationOptions.speculation`).

    `context_full` is what happens where a conversation no longer fits the model's context and the person chose nothing
    for it. `wrap_code` breaks long lines of code. One model generates up to `parallel_answers` at once. Loaded models
    take up to `model_memory` bytes together (None: what leaves the system room); one without work is unloaded after
    `unload_after` minutes (None: 30, 0: never).
    `proxy` is an address, "" for what the system says, "direct" for none; `hub_endpoint` "" means Hugging Face.
    `model_settings` are those of single models, by their ids: they come before the others.
    With `close_to_tray` a window that is closed stays in the tray; `answer_notifications` is what the system says of an
    answer that is done while the window is not in front: nothing, that it is done, or how it begins.
    `embedding_model` is the id of the model that finds passages of documents by what they mean, `reranker_model` of the
    one that puts them in order: None for the one that is here, where it is one, "" for none.
    `prompt_cache_memory` and `prompt_cache_disk` are the most bytes that states of conversations may take; None means
    automatic, 0 none. `backup_space` is the most bytes that automatic backups may take, None means automatic; the
    newest is kept whatever it takes. An answer makes up to `tool_calls` calls of tools.
    """

    version: int = 1
    theme: ThemeName = "system"
    text_scale: Annotated[float, msgspec.Meta(ge=0.25, le=8)] = 1.0
    language: str | None = None
    model: str | None = None
    context_length: int | None = None
    threads: int | None = None
    gpu_layers: int | None = None
    parallel_answers: Annotated[int, msgspec.Meta(ge=1, le=16)] = 4
    model_memory: Annotated[int, msgspec.Meta(ge=0)] | None = None
    unload_after: Annotated[int, msgspec.Meta(ge=0)] | None = None
    system_prompt: str = ""
    send_with_enter: bool = True
    wrap_code: bool = False
    window_geometry: str = ""
    sidebar_width: int = 0
    panel_open: bool = False
    panel_width: int = 0
    sampling: SamplingSettings = SamplingSettings()
    stop_on_repetition: bool = True
    speculation: Literal["on", "off", "auto"] = "auto"
    context_full: ContextChoice = "ask"
    acceptance: AcceptanceSettings = AcceptanceSettings()
    offline: bool = False
    proxy: str = ""
    hub_endpoint: str = ""
    model_settings: dict[str, ModelSettings] = {}
    prompt_cache_memory: Annotated[int, msgspec.Meta(ge=0)] | None = None
    prompt_cache_disk: Annotated[int, msgspec.Meta(ge=0)] | None = None
    close_to_tray: bool = False
    answer_notifications: Literal["off", "plain", "text"] = "plain"
    automatic_backups: Literal["weekly", "off"] = "weekly"
    backup_space: Annotated[int, msgspec.Meta(ge=0)] | None = None
    embedding_model: str | None = None
    reranker_model: str | None = None
    tool_calls: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 20
    server: ServerSettings = ServerSettings()


class SettingsFile:
    """The settings on disk. `current` is what is in force; `problem` says what was wrong with the file, or is "".

    May be used from any thread, and by several processes at once: each changes what it is told to, and nothing else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unwritten: dict[str, Any] = {}
        self._lock = threading.Lock()
        self.problem = ""
        self._stamp = self._now()
        self.current = self._first_read()

    def latest(self) -> Settings:
        """The settings in force, after whatever another process wrote: one look at the file's state, no more."""
        stamp = self._now()
        if stamp == self._stamp:
            return self.current
        with self._lock:
            self._catch_up()
            return self.current

    def change(self, **changes: Any) -> Settings:
        """The settings with `changes` made and written. Raises ResourceError where they cannot be written; nothing
        changes where they could not be read again."""
        return self._change(lambda _: changes)

    def change_model(self, model_id: str, change: ModelSettings | Callable[[ModelSettings], ModelSettings]) -> Settings:
        """The settings with those of one model replaced, or changed by `change`, and written. Raises as `change`."""

        def changes(now: Settings) -> dict[str, Any]:
            before = now.model_settings.get(model_id, ModelSettings())
            own = change if isinstance(change, ModelSettings) else change(before)
            kept = {name: value for name, value in now.model_settings.items() if name != model_id}
            return {"model_settings": kept | ({model_id: own} if own != ModelSettings() else {})}

        return self._change(changes)

    def _change(self, make: Callable[[Settings], dict[str, Any]]) -> Settings:
        with self._lock, folder_lock(self._path.parent):
            self._catch_up()  # what another process wrote may be what is changed back here
            before, unwritten = self.current, self._unwritten
            changes = make(before)
            changed = msgspec.structs.replace(before, **changes)
            if changed != before:
                self.current, self._unwritten = changed, unwritten | changes
                try:
                    body, in_the_way = self._body()
                except _DAMAGE as error:
                    self.current, self._unwritten = before, unwritten
                    raise ResourceError(
                        tr("The settings could not be saved."),
                        tr("They could not be read again: {reason}.").format(reason=error),
                        tr("Nothing was changed. Choose another value."),
                    ) from error
                self._write(body, in_the_way=in_the_way)
                self._stamp = self._now()
            return changed

    def _catch_up(self) -> None:
        stamp = self._now()
        if stamp == self._stamp:
            return
        try:
            read = self._read()[0] if stamp is not None else Settings()
        except (OSError, *_DAMAGE):
            return  # half written by an older version, or damaged: the next start says so
        self._stamp = stamp
        self.current = msgspec.structs.replace(read, **self._unwritten)

    def _now(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_size, status.st_mtime_ns, status.st_ino

    def _first_read(self, *, locked: bool = False) -> Settings:
        try:
            settings, _, unusable = self._read()
        except (FileNotFoundError, NotADirectoryError):
            return Settings()
        except OSError as error:
            self.problem = tr("The settings could not be read: {reason}. Defaults are in use.").format(
                reason=error.strerror
            )
            return Settings()
        except _DAMAGE as error:
            if not locked:
                with folder_lock(self._path.parent):  # another process may be putting it right just now
                    return self._first_read(locked=True)
            self._set_damaged_aside(error)
            return Settings()
        if unusable:
            names = ", ".join(one_line(name) for name in unusable[:_MOST_NAMED])
            self.problem = tr(
                "This version cannot use what is set for {names}. It is kept as it is, and the default is in use."
            ).format(names=names)
        return settings

    def _set_damaged_aside(self, error: Exception) -> None:
        try:
            aside = self._set_aside()
        except OSError:
            self.problem = tr("The settings file is damaged ({reason}). Defaults are in use.").format(reason=error)
        else:
            self.problem = tr(
                "The settings file is damaged ({reason}). Defaults are in use; the old file is kept as {file}."
            ).format(reason=error, file=aside.name)

    def _read(self) -> tuple[Settings, dict[str, Any], list[str]]:
        """What the file says now as far as it can be used, all that it says, and the names of what cannot be used.
        Raises OSError and _DAMAGE."""
        found = self._path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would never end
            raise OSError(errno.EINVAL, tr("it is no file"))
        if found.st_size > _LARGEST:
            raise ValueError(tr("it is too large"))
        values = json.loads(self._path.read_bytes())
        if not isinstance(values, dict):
            raise ValueError(tr("it holds no settings"))
        settings, unusable = read_known(Settings, values)
        if "offline" in unusable:  # whatever it is to say, this machine is not to go online by it
            settings = msgspec.structs.replace(settings, offline=True)
        return settings, values, unusable

    def _body(self) -> tuple[bytes, bool]:
        """What the file is to say, and whether one that cannot be used is in the way. Raises _DAMAGE where what it is
        to say could not be read again."""
        before, in_the_way = self.current, False
        said: dict[str, Any] = {}
        try:
            before, said, _ = self._read()  # another process may have changed other settings
        except FileNotFoundError:
            pass
        except (OSError, *_DAMAGE):
            in_the_way = os.path.lexists(self._path)
        after = msgspec.structs.replace(before, **self._unwritten)
        msgspec.convert(msgspec.to_builtins(after), Settings)
        # ASCII, since a broken paste can leave half a character in a text, which UTF-8 does not take.
        body = (json.dumps(with_changes(said, before, after), indent=2) + "\n").encode("ascii")
        if len(body) > _LARGEST:
            raise ValueError(tr("it is too large"))
        return body, in_the_way

    def _write(self, body: bytes, *, in_the_way: bool) -> None:
        try:
            if in_the_way:
                self._set_aside()
            write_atomically(self._path, body, keep_link=True)
        except OSError as error:
            raise write_error(
                tr("The settings could not be saved."),
                self._path,
                error,
                tr("Free some space or make the folder writable."),
            ) from error
        self._unwritten = {}

    def _set_aside(self) -> Path:
        """Keep a file that cannot be used under another name; that name. Raises OSError.

        Where the settings are a link to a file, it stays, and that file gets the name. What a link leads to and is no
        file, such as a device, is left alone: the link goes.
        """
        file = Path(os.path.realpath(self._path))
        if not file.is_file():
            file = self._path
        return file.replace(file.with_name(f"settings.damaged-{int(time.time())}.json"))
