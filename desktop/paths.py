"""The folders and files that Latchkey uses, as one value: made once at the start and passed by constructor."""

import os
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path

from desktop.errors import NotFoundError, ResourceError
from desktop.translation import tr

_PACKAGE = Path(__file__).resolve().parent
_IN_FLATPAK = Path("/.flatpak-info")
NO_HOME = Path(os.devnull)
"""Stands in for a home folder that is not known; does not exist."""


def system_policy() -> Path:
    """Where an administrator puts this machine's policy. It is the same for every account, and nothing in the
    environment moves it: whoever may change a variable must not be able to take a policy off."""
    if sys.platform == "win32":
        return _program_data() / "Latchkey" / "policy.toml"
    if sys.platform == "darwin":
        return Path("/Library/Application Support/Latchkey/policy.toml")
    if _IN_FLATPAK.exists():  # it has an /etc of its own, and sees the machine's here
        return Path("/run/host/etc/xdg/Latchkey/policy.toml")
    return Path("/etc/xdg/Latchkey/policy.toml")


@dataclass(frozen=True)
class Paths:
    """The folders Latchkey reads and writes. None of them need exist yet.

    `config` holds settings and a person's own catalog, `data` conversations and records, `models` model files,
    `cache` what can be made again, `logs` the app's and the engine's logs. `resources` and `catalog` (models.toml)
    travel with the program and are only read. `system_policy` is the file that only an administrator can write.
    """

    config: Path
    data: Path
    models: Path
    cache: Path
    logs: Path
    resources: Path
    catalog: Path
    system_policy: Path = field(default_factory=system_policy, kw_only=True)

    @property
    def settings_file(self) -> Path:
        return self.config / "settings.json"

    @property
    def presets_file(self) -> Path:
        return self.config / "presets.json"

    @property
    def prompts_file(self) -> Path:
        return self.config / "prompts.json"

    @property
    def endpoints_file(self) -> Path:
        return self.config / "endpoints.json"

    @property
    def database_file(self) -> Path:
        return self.data / "latchkey.db"

    @property
    def attachments(self) -> Path:
        return self.data / "attachments"

    @property
    def draft_attachments(self) -> Path:
        return self.data / "draft-attachments"

    @property
    def backups(self) -> Path:
        return self.data / "backups"

    @property
    def ledger_file(self) -> Path:
        return self.data / "ledger.db"

    @property
    def documents_file(self) -> Path:
        return self.data / "documents.db"

    @property
    def load_fallbacks(self) -> Path:
        return self.data / "load-fallbacks.json"

    @property
    def prompt_cache(self) -> Path:
        return self.cache / "prompt-cache"

    @property
    def network_file(self) -> Path:
        return self.data / "network.db"

    @property
    def token_vault(self) -> Path:
        return self.config / "tokens.vault"

    @property
    def token_index(self) -> Path:
        return self.config / "token-places.json"

    @property
    def engine_test_file(self) -> Path:
        return self.data / "engine-test.json"

    @property
    def imports(self) -> Path:
        return self.data / "imports"

    @property
    def known_models(self) -> Path:
        return self.data / "hub"

    @property
    def publishers_texts(self) -> Path:
        return self.data / "license-texts"

    @property
    def downloads(self) -> Path:
        return self.data / "downloads"

    @property
    def tool_servers_file(self) -> Path:
        return self.data / "tool-servers.json"

    @property
    def tool_folders(self) -> Path:
        return self.data / "tools"

    @property
    def tool_logs(self) -> Path:
        return self.logs / "tools"

    @property
    def update_source(self) -> Path:
        """Where new versions are announced; part of a packaged copy only."""
        return self.resources / "updates.json"

    @property
    def seen_updates(self) -> Path:
        return self.data / "updates.json"

    @property
    def api_key_file(self) -> Path:
        return self.data / "api-key"

    @property
    def own_catalog(self) -> Path:
        return self.config / "models.toml"

    @property
    def log_file(self) -> Path:
        return self.logs / "latchkey.log"

    @property
    def engine_logs(self) -> Path:
        return self.logs / "engine"

    @property
    def reader_logs(self) -> Path:
        return self.logs / "reader"

    @property
    def builtin_model(self) -> Path:
        return self.resources / "builtin" / "latchkey-guide.gguf"


def shipped_folder() -> Path:
    """The folder that holds `resources/` and `models.toml`: inside an installed wheel, or the top of a checkout."""
    inside = _PACKAGE / "_data"
    return inside if inside.is_dir() else _PACKAGE.parent


def further_policies(environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Where policies may lie besides: in each of the folders that the desktop's standard has for system-wide settings,
    as far as they are named there. They add to the one at the fixed place."""
    if sys.platform in ("win32", "darwin"):
        return ()
    folders = [Path(each) for each in environ.get("XDG_CONFIG_DIRS", "").split(os.pathsep) if each]
    return tuple(each / "Latchkey" / "policy.toml" for each in folders if each.is_absolute())


def correct_environment(environ: MutableMapping[str, str]) -> None:
    """Take out of the environment what names a folder and cannot: relative or empty HOME and XDG_* variables.

    What is named so would be another place in every folder a program is started in, and the XDG specification has
    relative names ignored. HOME is then what the system's list of users says, where it knows this one.
    """
    if os.name == "nt":
        return
    for name in [name for name in environ if name.startswith("XDG_") and name.endswith(("_HOME", "_DIR"))]:
        if not environ[name].startswith("/"):
            del environ[name]
    if not environ.get("HOME", "/").startswith("/"):
        del environ["HOME"]
        if home := home_folder():
            environ["HOME"] = str(home)


def home_folder() -> Path | None:
    """The person's home folder; None where neither the environment nor the system's list of users names one."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if home.is_absolute() else None


def expanded(path: str | Path) -> Path:
    """`path` with "~" and "~name" as folders; as it is where nobody knows these: a file may well be called so."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def absolute(path: Path) -> Path:
    """`path` from the root on. Raises NotFoundError where it is relative and the folder we are in was removed."""
    try:
        return path.absolute()
    except FileNotFoundError:
        raise missing_folder_error() from None


def missing_folder_error() -> NotFoundError:
    """The folder we were started in does not exist any more."""
    return NotFoundError(
        tr("The folder in which Latchkey was started no longer exists."),
        "",
        tr("Change to another folder, or name files from the root on."),
    )


def find_paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """The folders for this person and machine.

    `LATCHKEY_HOME` puts everything under one folder (tests, portable use); otherwise each kind of file goes where
    the operating system wants it. Raises ResourceError where nobody knows the person's home, NotFoundError where
    `LATCHKEY_HOME` is relative to a folder that was removed.
    """
    shipped = shipped_folder()
    resources, catalog = shipped / "resources", shipped / "models.toml"
    home = environ.get("LATCHKEY_HOME")
    if home:
        folder = expanded(home)
        if str(folder).startswith("~"):
            raise ResourceError(
                tr("LATCHKEY_HOME names a home folder that is not known: {folder}.").format(folder=home),
                "",
                tr("Set it to a folder in which Latchkey may keep its files."),
            )
        top = absolute(folder)
        return Paths(
            top / "config",
            top / "data",
            top / "models",
            top / "cache",
            top / "logs",
            resources=resources,
            catalog=catalog,
        )
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("Latchkey", appauthor=False)
    try:
        data, config = dirs.user_data_path, dirs.user_config_path
        cache, logs = dirs.user_cache_path, dirs.user_log_path
    except RuntimeError:
        raise ResourceError(
            tr("Your home folder is not known: HOME is not set, and this system does not know your user id."),
            "",
            tr("Set LATCHKEY_HOME to a folder in which Latchkey may keep its files."),
        ) from None
    return Paths(config, data, data / "models", cache, logs, resources=resources, catalog=catalog)


def _program_data() -> Path:
    """Windows' folder for all accounts, as the system knows it: the variable of that name can be set by anybody."""
    import ctypes
    from uuid import UUID

    windll = ctypes.windll  # type: ignore[attr-defined,unused-ignore] # there is one on Windows only
    program_data = UUID("62ab5d82-fdc1-4dc3-a9dd-070d1d495d97")  # FOLDERID_ProgramData
    identifier = (ctypes.c_ubyte * 16).from_buffer_copy(program_data.bytes_le)
    found = ctypes.c_wchar_p()
    failed = windll.shell32.SHGetKnownFolderPath(ctypes.byref(identifier), 0, None, ctypes.byref(found))
    try:
        return Path(r"C:\ProgramData") if failed or not found.value else Path(found.value)
    finally:
        windll.ole32.CoTaskMemFree(found)
