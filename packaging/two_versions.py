"""Installs two versions of Latchkey one after the other over one home, goes back, and says whether anything was lost.

    python packaging/two_versions.py [FOLDER]

Builds three wheels of this checkout: as it is, with a higher version, and with a higher version whose database has one
table more. Each gets an environment of its own that shares this one's libraries, so nothing is compiled. The home has
settings, presets, prompts and an unfinished download as tests/data/homes holds them, a model of one's own, a chat and a
ledger. Exits with 1, and a sentence, where something of it is gone or another after a step.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
SOURCES = ("desktop", "resources", "packaging/wheel_hook.py", "pyproject.toml", "models.toml", "README.md", "LICENSE")
HOME = TOP / "tests" / "data" / "homes" / "1"
INTEGRITY = 7
"""The exit code of a database that this version cannot read."""
_STEPS = re.compile(r"^MIGRATIONS: .*?^\)", re.MULTILINE | re.DOTALL)
_LISTS = (
    ("conversations", "list"), ("models", "downloads"), ("presets", "list"), ("prompts", "list"),
    ("licenses", "verify"),
)  # fmt: skip
_KEPT = ("config/settings.json", "config/presets.json", "config/prompts.json", "data/downloads", "models")


@dataclass(frozen=True)
class Version:
    """An installed version, and the home that it is run over."""

    name: str
    python: Path
    home: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command with `arguments`."""
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DISPLAY")}
        environment |= {"LATCHKEY_HOME": str(self.home), "LATCHKEY_OFFLINE": "1", "QT_QPA_PLATFORM": "offscreen"}
        environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
        command = [str(self.python), "-P", "-m", "desktop", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, cwd=self.home.parent
        )

    def json(self, *arguments: str) -> Any:
        """What the command prints with --json. Raises SystemExit where it fails."""
        ran = self.run(*arguments, "--json")
        if ran.returncode != 0:
            raise SystemExit(f"{self.name}: {' '.join(arguments)} failed: {ran.stderr.strip()}")
        return json.loads(ran.stdout)


def main() -> None:
    if len(sys.argv) > 2:
        raise SystemExit(__doc__)
    if len(sys.argv) == 2:
        try_out(Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory() as folder:
            try_out(Path(folder))


def try_out(work: Path) -> None:
    """All of it, in the folder `work`. Raises SystemExit where something is lost."""
    home = work / "home"
    shutil.copytree(HOME, home)
    now = install(work, home, "0.1.0")
    fill(now)
    first = seen(now)
    counts = {what: len(first[what]) for what in ("chats", "ledger", "models", "models downloads")}
    if not all(counts.values()):
        raise SystemExit(f"There is nothing to lose: {counts}")
    say(f"{now.name}: {counts}")
    higher = install(work, home, "9.1.0")
    compare("one version up", first, seen(higher))
    higher.json("ask", "Are my chats private?", "--conversation", "new", "--temperature", "0")
    second = seen(higher)
    if len(second["chats"]) != len(first["chats"]) + 1:
        raise SystemExit("The higher version did not keep a new chat.")
    compare("back again, the same schema", second, seen(now))
    later = install(work, home, "9.2.0", schema=True)
    compare("two versions up, a newer schema", second, seen(later))
    refused(now, home)
    compare("up again after the refusal", second, seen(later))
    copies = list((home / "data").glob("latchkey.version-*.db"))
    if len(copies) != 1:
        raise SystemExit(f"There are {len(copies)} copies of the database as it was before.")
    say("nothing was lost")


def fill(version: Version) -> None:
    """A model of one's own, a chat, and what these write into the ledger."""
    version.json("models", "import", str(version.home / "published.gguf"), "--license", "MIT")
    version.json("ask", "How do I add a model?", "--conversation", "new", "--temperature", "0")
    version.json("conversations", "search", "model")


def seen(version: Version) -> dict[str, Any]:
    """All that a person has, as `version` shows it, and the files that no step may change."""
    shown: dict[str, Any] = {" ".join(each): version.json(*each) for each in _LISTS}
    shown["chats"] = [version.json("conversations", "show", each["id"]) for each in shown["conversations list"]]
    shown["ledger"] = version.json("licenses", "log")
    shown["models"] = sorted(each["id"] for each in version.json("models", "list") if each["installed"])
    shown["version"] = version.json("doctor")["versions"]["latchkey"]
    files = [path for name in _KEPT for path in sorted([version.home / name, *(version.home / name).rglob("*")])]
    shown["files"] = {str(path.relative_to(version.home)): _sha256(path) for path in files if path.is_file()}
    if shown["version"] != version.name:
        raise SystemExit(f"{shown['version']} ran, and {version.name} was meant.")
    return shown


def compare(step: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Raise SystemExit where something that was seen before a step is another or gone after it."""
    for what, value in before.items():
        if what not in ("version", "licenses verify", "ledger") and value != after[what]:
            raise SystemExit(f"{step}: {what} was {value}, and is {after[what]}")
    if after["ledger"][: len(before["ledger"])] != before["ledger"]:
        raise SystemExit(f"{step}: the ledger is another one.")
    if not after["licenses verify"]["ok"]:
        raise SystemExit(f"{step}: the ledger does not hold.")
    say(f"{step}: the same, as {after['version']} shows it")


def refused(older: Version, home: Path) -> None:
    """An older version meets the newer database: it says so in a sentence, and leaves every byte of it alone."""
    database = home / "data" / "latchkey.db"
    before = _sha256(database)
    ran = older.run("conversations", "list")
    if ran.returncode != INTEGRITY or "newer Latchkey" not in ran.stderr or "Traceback" in ran.stderr:
        raise SystemExit(f"{older.name} did not refuse the newer database: {ran.returncode} {ran.stderr}")
    asked = older.run("ask", "Hello?", "--conversation", "new")
    if asked.returncode == 0 or "Traceback" in asked.stderr:
        raise SystemExit(f"{older.name} wrote into a newer database, or broke: {asked.stderr}")
    if _sha256(database) != before:
        raise SystemExit(f"{older.name} changed the newer database.")
    for each in (("licenses", "verify"), ("models", "list"), ("models", "downloads"), ("presets", "list")):
        older.json(*each)  # in files of their own, which are as they were
    say(f"going back is refused: {ran.stderr.strip()}")


def install(work: Path, home: Path, number: str, *, schema: bool = False) -> Version:
    """This checkout as version `number`, in an environment of its own; with `schema`, its database has a table more."""
    source = work / f"source-{number}"
    for name in SOURCES:
        place = source / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(TOP / name, place)
    _replace(source / "desktop" / "__init__.py", r'__version__ = "[^"]+"', f'__version__ = "{number}"')
    _replace(source / "pyproject.toml", r'(?m)^version = "[^"]+"', f'version = "{number}"')
    if schema:
        steps = source / "desktop" / "storage" / "migrations"
        name = f"{len(list(steps.glob('*.sql'))) + 1:04}_later.sql"
        (steps / name).write_text("CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT;\n", encoding="utf-8")
        migration = source / "desktop" / "storage" / "migration.py"
        listed = _STEPS.search(migration.read_text(encoding="utf-8"))
        if listed is None:
            raise SystemExit(f"{migration} lists no steps.")
        longer = f'{listed.group().removesuffix(")")}    _FOLDER / "{name}",\n)'
        migration.write_text(migration.read_text(encoding="utf-8").replace(listed.group(), longer), encoding="utf-8")
    wheels = work / f"wheel-{number}"
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(source)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    place = work / f"venv-{number}"
    venv.create(place, with_pip=False, symlinks=True)
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    (wheel,) = wheels.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    # Its own packages come first, so `desktop` is the wheel's; all else is what this environment has.
    (Path(packages) / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return Version(number, python, home)


def say(line: str) -> None:
    """Print at once: a step takes a while."""
    print(line, flush=True)


def _replace(file: Path, pattern: str, by: str) -> None:
    text, count = re.subn(pattern, by, file.read_text(encoding="utf-8"), count=1)
    if count != 1:
        raise SystemExit(f"{file} does not say its version as it used to.")
    file.write_text(text, encoding="utf-8")


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


if __name__ == "__main__":
    main()
