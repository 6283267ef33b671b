"""Finding models that other apps fetched already, so that they can be used in place. Nothing is hashed or written."""

import errno
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from desktop.engine.gguf_header import read_header
from desktop.errors import EngineError, NotFoundError
from desktop.library.installed_models import InstalledModel, title_of_header
from desktop.library.other_apps import app_layouts, ollama_store
from desktop.library.other_apps.app_folders import AppFolders
from desktop.library.other_apps.discovered_model import DiscoveredModel, DiscoveryResult, ModelCandidate, SkippedFile
from desktop.library.other_apps.folder_scan import (
    ScanBudget,
    device_and_inode,
    has_permission,
    is_folder,
    printable_line,
    read_small,
)
from desktop.library.other_apps.unusable_files import download_control_file, unfinished_reason
from desktop.paths import absolute, expanded
from desktop.split_files import first_part
from desktop.translation import tr

_LARGEST_LICENSE = 1 << 18
_MOST_LICENSES = 16
_MOST_ENTRIES_OF_ONE = 1_000_000  # of a folder that a person names
_MOST_ENTRIES_TO_TELL = 1000  # how a folder is laid out
_MOST_SECONDS = 25.0  # for one app's folders, some more than their budget gives

Scan = Callable[[Path, ScanBudget], Iterable[ModelCandidate]]


def discover_usable_models(
    environ: Mapping[str, str],
    home: Path,
    system: str,
    *,
    imports: Iterable[InstalledModel] = (),
    stop: threading.Event | None = None,
) -> tuple[DiscoveredModel, ...]:
    """The models of LM Studio, Ollama, Jan, GPT4All, llama.cpp and others that can be used here, each file once.

    `system` is as `platform.system()` says it. Those that are among `imports` are marked. Slow (disks, a header each),
    within bounds; `stop` ends it early. See `discover_models` for what was left out.
    """
    return discover_models(environ, home, system, imports=imports, stop=stop).models


def discover_models(
    environ: Mapping[str, str],
    home: Path,
    system: str,
    *,
    imports: Iterable[InstalledModel] = (),
    stop: threading.Event | None = None,
    top: Path = Path("/"),
) -> DiscoveryResult:
    """As `discover_usable_models`, with what was left out and why. `top` is the root of the disk, for folders of the
    system."""
    places = AppFolders(environ, home, system, top)
    stop = stop or threading.Event()
    search = _CandidateSearch(imports)
    for app, paths, scan in _sources(places):
        found = _within_time(app, paths, scan, search, stop)
        if found is not None:
            search = found
        else:
            search.give_up(app)
    return search.findings()


def _sources(places: AppFolders) -> tuple[tuple[str, Callable[[], list[Path]], Scan], ...]:
    return (
        (app_layouts.LM_STUDIO, places.lm_studio, app_layouts.lm_studio_candidates),
        (app_layouts.HUGGING_FACE, places.hugging_face, app_layouts.hub_cache_candidates),
        (ollama_store.APP, places.ollama, ollama_store.ollama_candidates),
        (app_layouts.JAN, places.jan, app_layouts.jan_candidates),
        (app_layouts.GPT4ALL, places.gpt4all, app_layouts.gpt4all_candidates),
        (app_layouts.LLAMA_CPP, places.llama_cpp, _scan_as(app_layouts.LLAMA_CPP)),
        *((app, partial(places.other, app), _scan_as(app)) for app in places.others),
    )


def _scan_as(app: str) -> Scan:
    """Whatever an app's folder is laid out as."""

    def scan(folder: Path, budget: ScanBudget) -> Iterable[ModelCandidate]:
        if ollama_store.is_store(folder):
            return ollama_store.ollama_candidates(folder, budget, app)
        return app_layouts.any_folder_candidates(folder, budget, app)

    return scan


def _within_time(
    app: str, paths: Callable[[], list[Path]], scan: Scan, search: "_CandidateSearch", stop: threading.Event
) -> "_CandidateSearch | None":
    """What `search` is after a look into an app's folders; None where the disk does not answer.

    A network disk that does not answer blocks its caller: it is read in a thread of its own, which is abandoned then.
    """
    mine, done = search.copy(), threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            budget = ScanBudget(stop)
            for path in paths():
                mine.take(scan(path, budget), budget)
            mine.close(budget)
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            failures.append(error)
        done.set()

    threading.Thread(target=work, name=f"look into {app}", daemon=True).start()
    if not done.wait(_MOST_SECONDS):
        return None
    if failures:
        raise failures[0]
    return mine


def discover_in(
    path: Path, *, imports: Iterable[InstalledModel] = (), stop: threading.Event | None = None
) -> DiscoveryResult:
    """The models in a folder that a person names or drops, or the one file; other apps' layouts are understood.

    Raises NotFoundError where there is nothing at `path`.
    """
    path = absolute(expanded(path))
    stop = stop or threading.Event()
    budget, search = ScanBudget(stop, entries=_MOST_ENTRIES_OF_ONE), _CandidateSearch(imports)
    if is_folder(path):
        search.take(_scan_of(path, ScanBudget(stop, entries=_MOST_ENTRIES_TO_TELL))(path, budget), budget)
    elif path.exists():
        search.take([ModelCandidate("", path)], budget)
    else:
        raise NotFoundError(tr("There is no file {path}.").format(path=printable_line(path)), "", tr("Check the path."))
    search.close(budget)
    return search.findings()


def _scan_of(folder: Path, budget: ScanBudget) -> Scan:
    if ollama_store.is_store(folder):
        return ollama_store.ollama_candidates
    if app_layouts.is_hub_cache(folder, budget):
        return app_layouts.hub_cache_candidates
    if is_folder(folder / "llamacpp" / "models"):
        return app_layouts.jan_candidates
    return app_layouts.any_folder_candidates


class _CandidateSearch:
    """Opens candidates one after another: each file once, unsound ones left out."""

    def __init__(self, imports: Iterable[InstalledModel]) -> None:
        known = ((device_and_inode(Path(model.path)), model.id) for model in imports)
        self._imported = {identity: model_id for identity, model_id in known if identity is not None}
        self._seen: set[tuple[int, int]] = set()
        self._models: list[DiscoveredModel] = []
        self._left_out: list[SkippedFile] = []
        self._complete = True

    def copy(self) -> "_CandidateSearch":
        """One that goes on from here."""
        other = _CandidateSearch(())
        other._imported = self._imported
        other._seen, other._models, other._left_out = set(self._seen), list(self._models), list(self._left_out)
        other._complete = self._complete
        return other

    def give_up(self, app: str) -> None:
        """Note that an app's folders did not answer."""
        reason = tr("Its folders do not answer: is the disk or the network that they are on away?")
        self._left_out.append(SkippedFile(app, Path(), app, reason))
        self._complete = False

    def take(self, candidates: Iterable[ModelCandidate], budget: ScanBudget) -> None:
        for candidate in candidates:
            if not budget.spend():
                return
            self._open(candidate, budget)

    def close(self, budget: ScanBudget) -> None:
        self._left_out += budget.left_out
        self._complete = self._complete and budget.complete

    def findings(self) -> DiscoveryResult:
        models = sorted(self._models, key=lambda each: (each.name.casefold(), str(each.path)))
        return DiscoveryResult(tuple(models), tuple(self._left_out), self._complete)

    def _open(self, candidate: ModelCandidate, budget: ScanBudget) -> None:
        path = candidate.path
        identity = device_and_inode(path)
        if identity is not None and identity in self._seen:
            return
        if identity is not None:
            self._seen.add(identity)
        problem = _problem(candidate)
        if problem == "":
            try:
                model = self._found(candidate)
            except (EngineError, NotFoundError) as error:
                problem = " ".join(part for part in (error.title, error.detail, error.remedy) if part)
                if candidate.name:  # by which a person knows it, and not the hash that its file may be called by
                    problem = problem.replace(path.name, candidate.name)
            else:
                self._seen.update(each for file in model.files if (each := device_and_inode(file)) is not None)
                self._models.append(model)
        if problem:
            budget.skip(candidate.app, path, problem, candidate.name)

    def _found(self, candidate: ModelCandidate) -> DiscoveredModel:
        header = read_header(candidate.path)
        claims = candidate.claims or tuple(app_layouts.claimed_sha256(file) for file in header.files)
        return DiscoveredModel(
            app=candidate.app,
            path=candidate.path,
            files=header.files,
            name=candidate.name or title_of_header(header, candidate.path.name, candidate.repository),
            size=header.file_size,
            quantization=header.quantization,
            architecture=header.architecture,
            license=printable_line(header.license_name or header.license),
            repository=candidate.repository,
            commit=candidate.commit,
            claims=claims if any(claims) else (),
            license_texts=_texts(candidate.license_files),
            imported=self._imported.get(device_and_inode(candidate.path) or (0, 0), ""),
            projector=candidate.projector,
        )


def _problem(candidate: ModelCandidate) -> str | None:
    """What is wrong with a file before it is opened: "" for nothing, None where it is not worth a word."""
    path = candidate.path
    first = first_part(path)
    if first != path:
        return (
            None
            if first.exists()
            else tr("The first part, {file}, is missing.").format(file=printable_line(first.name))
        )
    if not is_encodable_path(path):
        return tr("Its name is not readable text (UTF-8): rename it to use it.")
    if download_control_file(path) is not None:
        return unfinished_reason()
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return tr("The file is no longer there.")
    except (OSError, ValueError) as error:
        return tr("It cannot be read: {reason}.").format(reason=getattr(error, "strerror", None) or error)
    if not has_permission(path, os.R_OK):
        return tr("It cannot be read: {reason}.").format(reason=os.strerror(errno.EACCES))
    if candidate.size is not None and candidate.size != size:
        return tr("It is incomplete or damaged: it holds {size} bytes, and should hold {whole}.").format(
            size=f"{size:,}", whole=f"{candidate.size:,}"
        )
    return ""


def is_encodable_path(path: Path) -> bool:
    """Whether a path can be written as text; others cannot be kept or handed to the engine."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _texts(files: Iterable[Path]) -> tuple[str, ...]:
    """The texts in these files, each once; what is no text of bearable length is none."""
    read = [read_small(file, _LARGEST_LICENSE) for file in list(files)[:_MOST_LICENSES]]
    texts = (data.decode("utf-8", "replace") for data in read if data and b"\0" not in data)
    return tuple(dict.fromkeys(texts))
