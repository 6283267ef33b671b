"""Where Latchkey keeps what: one value, made once at the start and passed on by constructor."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Paths:
    """The folders Latchkey reads and writes. None of them need exist yet.

    `config` holds settings and a person's own catalog, `data` conversations and records, `models` model files,
    `cache` what can be made again, `logs` the app's and the engine's logs. `resources` and `catalog` (models.toml)
    travel with the program and are only read.
    """

    config: Path
    data: Path
    models: Path
    cache: Path
    logs: Path
    resources: Path
    catalog: Path

    @property
    def settings_file(self) -> Path:
        return self.config / "settings.json"

    @property
    def database_file(self) -> Path:
        return self.data / "latchkey.db"

    @property
    def ledger_file(self) -> Path:
        return self.data / "ledger.db"

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
    def own_catalog(self) -> Path:
        return self.config / "models.toml"

    @property
    def log_file(self) -> Path:
        return self.logs / "latchkey.log"

    @property
    def engine_logs(self) -> Path:
        return self.logs / "engine"

    @property
    def builtin_model(self) -> Path:
        return self.resources / "builtin" / "latchkey-guide.gguf"


def shipped_folder() -> Path:
    """The folder that holds `resources/` and `models.toml`: inside an installed wheel, or the top of a checkout."""
    inside = _PACKAGE / "_data"
    return inside if inside.is_dir() else _PACKAGE.parent


def system_policy() -> Path:
    """Where an administrator puts this machine's policy; `LATCHKEY_HOME` does not move it."""
    from platformdirs import PlatformDirs

    return PlatformDirs("Latchkey", appauthor=False).site_config_path / "policy.toml"


def find_paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """The folders for this person and machine.

    `LATCHKEY_HOME` puts everything under one folder (tests, portable use); otherwise each kind of file goes where
    the operating system wants it.
    """
    shipped = shipped_folder()
    resources, catalog = shipped / "resources", shipped / "models.toml"
    home = environ.get("LATCHKEY_HOME")
    if home:
        top = Path(home).expanduser().absolute()
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
    data = dirs.user_data_path
    return Paths(
        dirs.user_config_path,
        data,
        data / "models",
        dirs.user_cache_path,
        dirs.user_log_path,
        resources=resources,
        catalog=catalog,
    )
