"""Where other apps keep their models on Linux, macOS and Windows: from their own source or documentation, none guessed.

Only what names a folder is read of their settings. Files in which they keep tokens or keys are never opened.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from desktop.library.other_apps.folder_scan import read_small

_LARGEST_SETTINGS = 1 << 20
_OLLAMA_SERVICE = (
    "usr/share/ollama/.ollama/models", "var/snap/ollama/common/models", "var/lib/ollama", "var/lib/ollama/models",
    "var/lib/ollama/.ollama/models",
)  # fmt: skip
_UNITS = ("etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
_SET_MODELS = re.compile(r'^[ \t]*Environment=.*?\bOLLAMA_MODELS=([^"\s]+(?: [^"\n]+(?="))?)', re.MULTILINE)
# Programs whose folders are read as they lie: those of models by name, and stores laid out as Ollama's.
_OTHERS = {
    "Msty": (("config", "Msty/models"), ("config", "MstyStudio/models")),
    "AnythingLLM": (("config", "anythingllm-desktop/storage/models/ollama"),),
    "RamaLama": (("home", ".local/share/ramalama/store"),),
    "text-generation-webui": (
        ("home", "text-generation-webui/user_data/models"),
        ("home", "text-generation-webui/models"),
    ),
}


class _LmStudioSettings(msgspec.Struct):
    folder: str = msgspec.field(default="", name="downloadsFolder")


class _JanSettings(msgspec.Struct):
    folder: str = msgspec.field(default="", name="data_folder")


class AppFolders:
    """The folders of this person and machine. `system` is as `platform.system()` says it, `top` the disk's root."""

    def __init__(self, environ: Mapping[str, str], home: Path, system: str, top: Path = Path("/")) -> None:
        self._environ = environ
        self._home = home
        self._system = system
        self._top = top

    def lm_studio(self) -> list[Path]:
        """LM Studio's folders of models.

        Its own folder stands in `.lmstudio-home-pointer`, else it is ~/.cache/lm-studio (older) or ~/.lmstudio. The
        person may have moved the models: `downloadsFolder` of settings.json, which older versions keep with the app.
        """
        own = [self._home / ".lmstudio", self._home / ".cache" / "lm-studio"]
        pointer = read_small(self._home / ".lmstudio-home-pointer", 4096)
        if pointer is not None and (named := self._folder(pointer.decode("utf-8", "replace").strip())) is not None:
            own.insert(0, named)
        settings = [folder / "settings.json" for folder in (*own, self._config() / "LM Studio")]
        moved = [self._folder(found.folder) for file in settings if (found := _read(file, _LmStudioSettings))]
        return _once([*(each for each in moved if each), *(folder / "models" for folder in own)])

    @property
    def others(self) -> tuple[str, ...]:
        """The names of further programs, for `other`."""
        return tuple(_OTHERS)

    def other(self, app: str) -> list[Path]:
        """The folders of models of a program among `others`."""
        roots = {"config": self._config(), "data": self._data(), "home": self._home}
        return _once([roots[root].joinpath(*path.split("/")) for root, path in _OTHERS[app]])

    def llama_cpp(self) -> list[Path]:
        """Where llama.cpp's own programs keep what they fetch: LLAMA_CACHE, else a folder among the caches."""
        if (named := self._folder(self._environ.get("LLAMA_CACHE", ""))) is not None:
            return [named]
        return [self._cache() / "llama.cpp"]

    def ollama(self) -> list[Path]:
        """Ollama's folders: OLLAMA_MODELS, a person's own, and on Linux those of the service: of Ollama's installer, of
        distributions' packages, of the snap, and where its unit says; Alpaca's, a Flatpak with an Ollama of its own."""
        found = [self._folder(self._environ.get("OLLAMA_MODELS", "").strip("\"' ")), self._home / ".ollama" / "models"]
        if self._system == "Linux":
            found += [self._folder(each) for each in self._ollama_service()]
            found += [self._top / each for each in _OLLAMA_SERVICE]
            found.append(self._flatpak("com.jeffser.Alpaca") / "data" / ".ollama" / "models")
        return _once([each for each in found if each is not None])

    def _ollama_service(self) -> list[str]:
        """What the units of Ollama's service set OLLAMA_MODELS to."""
        units = [self._top / folder / "ollama.service" for folder in _UNITS]
        with contextlib.suppress(OSError):
            units += sorted((self._top / _UNITS[0] / "ollama.service.d").glob("*.conf"))[:16]
        texts = [(read_small(file, _LARGEST_SETTINGS) or b"").decode("utf-8", "replace") for file in units]
        return [match[1] for text in texts for match in _SET_MODELS.finditer(text)]

    def jan(self) -> list[Path]:
        """Jan's data folders: JAN_DATA_FOLDER, the one its settings name, the usual one, and ~/jan of before 2025."""
        data = self._data()
        settings = [data / "Jan" / "settings.json"]
        if self._system == "Linux":
            settings.append(self._config() / "Jan" / "settings.json")
        moved = [self._folder(found.folder) for file in settings if (found := _read(file, _JanSettings))]
        folders = [self._folder(self._environ.get("JAN_DATA_FOLDER", "")), *moved, data / "Jan" / "data"]
        if self._system == "Linux":
            folders.append(self._flatpak("ai.jan.Jan") / "data" / "Jan" / "data")
        return _once([*(each for each in folders if each is not None), self._home / "jan"])

    def gpt4all(self) -> list[Path]:
        """GPT4All's folder, where it was not moved (its settings hold a key beside it, so they are not read); that of
        its Flatpak, and that of its Python package."""
        if self._system == "Windows":
            return [self._local() / "nomic.ai" / "GPT4All", self._home / ".cache" / "gpt4all"]
        found = [self._data() / "nomic.ai" / "GPT4All", self._home / ".cache" / "gpt4all"]
        if self._system == "Linux":
            found.append(self._flatpak("io.gpt4all.gpt4all") / "data" / "nomic.ai" / "GPT4All")
        return found

    def hugging_face(self) -> list[Path]:
        """The Hub's cache, as huggingface_hub finds it; llama.cpp and others fetch into it too."""
        for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            if (named := self._folder(self._environ.get(name, ""))) is not None:
                return [named]
        if (home := self._folder(self._environ.get("HF_HOME", ""))) is not None:
            return [home / "hub"]
        cache = self._folder(self._environ.get("XDG_CACHE_HOME", "")) or self._home / ".cache"
        return [cache / "huggingface" / "hub"]

    def _config(self) -> Path:
        """Where apps keep their settings."""
        if self._system == "Linux":
            return self._folder(self._environ.get("XDG_CONFIG_HOME", "")) or self._home / ".config"
        return self._data()

    def _data(self) -> Path:
        """Where apps keep their data."""
        if self._system == "Darwin":
            return self._home / "Library" / "Application Support"
        if self._system == "Windows":
            return self._folder(self._environ.get("APPDATA", "")) or self._home / "AppData" / "Roaming"
        return self._folder(self._environ.get("XDG_DATA_HOME", "")) or self._home / ".local" / "share"

    def _cache(self) -> Path:
        """Where apps keep what they can fetch again."""
        if self._system == "Darwin":
            return self._home / "Library" / "Caches"
        if self._system == "Windows":
            return self._local()
        return self._folder(self._environ.get("XDG_CACHE_HOME", "")) or self._home / ".cache"

    def _flatpak(self, app: str) -> Path:
        """What a Flatpak has in place of a home folder."""
        return self._home / ".var" / "app" / app

    def _local(self) -> Path:
        return self._folder(self._environ.get("LOCALAPPDATA", "")) or self._home / "AppData" / "Local"

    def _folder(self, text: str) -> Path | None:
        """The folder that a setting names; None where it names none, or one that depends on where we were started."""
        if not text or "\0" in text:
            return None
        if text == "~" or text.startswith(("~/", "~\\")):
            return self._home / text[2:]
        return Path(text) if Path(text).is_absolute() else None


_Kind = TypeVar("_Kind", _LmStudioSettings, _JanSettings)


def _read(file: Path, kind: type[_Kind]) -> _Kind | None:
    data = read_small(file, _LARGEST_SETTINGS)
    if data is None:
        return None
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=kind)
    except (ValueError, RecursionError):
        return None


def _once(folders: list[Path]) -> list[Path]:
    return list(_distinct(folders))


def _distinct(folders: list[Path]) -> Iterator[Path]:
    """Each folder once, however it is written and whatever links lead to it."""
    seen: set[str] = set()
    for folder in folders:
        try:
            real = str(folder.resolve())
        except (OSError, RuntimeError, ValueError):
            continue
        if real not in seen:
            seen.add(real)
            yield folder
