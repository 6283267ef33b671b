"""The flow of files of one's own: imports, copies, finds models of other apps, verifies, removes."""

import os
import platform
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QFileDialog

from desktop.background import Background
from desktop.byte_size import size_text
from desktop.errors import NotFoundError, UserError
from desktop.library.file_hashes import HashingStoppedError
from desktop.paths import NO_HOME, home_folder
from desktop.split_files import is_piece, whole_name
from desktop.translation import tr
from desktop.ui.models.list_notices import ProgressCounter
from desktop.ui.models.search_hits import OTHER_APP_PREFIX, other_app_hits

if TYPE_CHECKING:
    from desktop.library.importer import ImportResult
    from desktop.library.installed_models import InstalledModel
    from desktop.library.library_services import LibraryServices
    from desktop.library.other_apps import DiscoveredModel, DiscoveryResult
    from desktop.ui.models.models_page import ModelsPage
    from desktop.ui.navigator import Navigator

_LOOK_MS = 120


class ImportFlow(QObject):
    """Between the page of models and the importer. `added` carries the id of a model that is in the library now,
    `changed` says that something about the models here is another.

    `loaded` gives the files that the engine holds.
    """

    added = Signal(str)
    changed = Signal()

    def __init__(
        self,
        navigator: "Navigator",
        background: Background,
        assembly: "LibraryServices",
        loaded: Callable[[], Sequence[Path]] = tuple,
    ) -> None:
        super().__init__()
        self._navigator, self._background, self._assembly = navigator, background, assembly
        self._importer = assembly.importer
        self._loaded = loaded
        self._closed = False
        self._found: dict[str, DiscoveredModel] = {}
        self._waiting: list[tuple[Path | DiscoveredModel, bool]] = []
        self._told: ProgressCounter | None = None
        self._looking = threading.Event()
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)
        navigator.when_built("models", self._connect)

    def _connect(self, page: "ModelsPage") -> None:
        page.import_asked.connect(self.ask_import)
        page.foot.search_apps_requested.connect(self.search_other_apps)
        page.working.stop_asked.connect(self._cancel)

    def close(self) -> None:
        """Stop what is under way, and show nothing any more."""
        self._closed = True
        self._looking.set()
        if self._told is not None:
            self._told.stop.set()
        self._timer.stop()

    @property
    def _page(self) -> "ModelsPage":
        return self._navigator.page("models")

    # --- files of the person's own -------------------------------------------------------------------------------

    def ask_import(self) -> None:
        """Have the person choose a file, and whether it is copied."""
        dialog = QFileDialog(self._navigator.dialog_parent, tr("Add a model file"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters([tr("Model files (*.gguf *.GGUF)"), tr("All files (*)")])
        dialog.filesSelected.connect(lambda paths: self.offer_files([Path(path) for path in paths]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def offer_files(self, paths: Sequence[Path]) -> None:
        """Files or folders were chosen, dropped or opened: ask whether they are used where they are, or copied."""
        if not paths or self._closed:
            return
        self._navigator.show_page("models")
        page = self._page
        page.show_problem(None)
        # Several pieces of one file are one model.
        paths = list({(path.parent, whole_name(path.name).casefold()): path for path in reversed(paths)}.values())[::-1]
        names = ", ".join(whole_name(path.name) or str(path) for path in paths[:3]) + ("…" if len(paths) > 3 else "")
        pieces = all(is_piece(path.name) for path in paths)
        page.taking.ask_copy(
            names,
            lambda copy: self._take_all([(path, copy or is_piece(path.name)) for path in paths]),
            pieces=pieces,
        )

    def _take_all(self, sources: "Sequence[tuple[Path | DiscoveredModel, bool]]") -> None:
        self._waiting += sources
        if self._told is None:
            self._take_next()

    def _take_next(self) -> None:
        if not self._waiting or self._closed:
            return
        source, copy = self._waiting.pop(0)
        if isinstance(source, Path) and source.is_dir():
            self._open_folder(source, copy)
            return
        name = source.name
        page, told = self._page, ProgressCounter()
        self._told = told
        page.working.show_task((tr("Copying {file}…") if copy else tr("Reading {file}…")).format(file=name))
        self._timer.start()

        def added(result: "ImportResult") -> None:
            self._over()
            if self._closed:
                return
            if result.existed:
                page.show_done(tr("{model} is in the library already.").format(model=result.model.name))
            self.changed.emit()
            if not self._waiting:
                self.added.emit(result.model.id)
            self._take_next()

        def failed(error: UserError) -> None:
            self._over()
            if not self._closed:
                if not isinstance(error, HashingStoppedError):
                    self._fail(error)
                self._take_next()

        self._background.pool(
            lambda: self._importer.import_file(source, copy=copy, progress=told, stop=told.stop), added, failed
        )

    def _open_folder(self, folder: Path, copy: bool) -> None:
        """All models of a folder, where it has one or a few; raises nothing here."""
        from desktop.library.other_apps import discover_in

        def found(findings: "DiscoveryResult") -> None:
            if self._closed:
                return
            cut = [each.path for each in findings.skipped if is_piece(each.path.name)] if copy else []
            self._waiting = [(path, True) for path in cut] + self._waiting
            if not findings.models and not cut:
                reasons = " ".join(f"{each.name}: {each.reason}" for each in findings.skipped[:3])
                self._fail(NotFoundError(tr("There is no model in {folder}.").format(folder=folder), reasons,
                                         tr("Choose a GGUF file, or another folder.")))  # fmt: skip
            self._waiting = [(model, copy) for model in findings.models] + self._waiting
            self._take_next()

        self._background.pool(lambda: discover_in(folder, stop=self._looking), found, self._fail)

    def _look(self) -> None:
        if self._told is not None:
            self._page.working.show_progress(self._told.done, self._told.total)

    def _over(self) -> None:
        self._told = None
        self._timer.stop()
        if not self._closed:
            self._page.working.show_task("")

    def _cancel(self) -> None:
        self._waiting.clear()
        if self._told is not None:
            self._told.stop.set()
            self._page.working.stop_button.setEnabled(False)

    def _fail(self, error: UserError) -> None:
        if not self._closed:
            self._page.show_problem(error)

    # --- other apps ----------------------------------------------------------------------------------------------

    def search_other_apps(self) -> None:
        """Look through the folders of other apps, on demand."""
        from desktop.library.other_apps import discover_models

        page = self._page
        page.foot.set_busy(True)
        self._looking.clear()

        def work() -> "DiscoveryResult":
            imports = self._assembly.library.installed_models.all()
            return discover_models(
                os.environ, home_folder() or NO_HOME, platform.system(), imports=imports, stop=self._looking
            )

        def found(findings: "DiscoveryResult") -> None:
            if self._closed:
                return
            page.foot.set_busy(False)
            section = other_app_hits(findings.models, self._assembly.library.catalog, findings.skipped)
            self._found = {f"{OTHER_APP_PREFIX}{model.path}": model for model in findings.models}
            page.show_hits("apps", section)

        def failed(error: UserError) -> None:
            if not self._closed:
                page.foot.set_busy(False)
                self._fail(error)

        self._background.pool(work, found, failed)

    def import_hit(self, key: str, *, copy: bool) -> None:
        """Use a model that another app fetched: where it is, or as a copy."""
        model = self._found.get(key)
        if model is not None:
            self._page.show_problem(None)
            self._take_all([(model, copy)])

    # --- what is here --------------------------------------------------------------------------------------------

    def verify(self, model_id: str) -> None:
        """Read a model to its end, and compare."""
        if self._told is not None:
            return
        page, told = self._page, ProgressCounter()
        self._told = told
        page.show_problem(None)
        page.working.show_task(tr("Reading the file to its end…"))
        self._timer.start()

        def verified(model: object) -> None:
            self._over()
            if not self._closed:
                page.show_done(tr("{model} is what it was: its sha256 holds.").format(model=getattr(model, "name", "")))
                self.changed.emit()

        def failed(error: UserError) -> None:
            self._over()
            if not self._closed and not isinstance(error, HashingStoppedError):
                self._fail(error)
                self.changed.emit()

        self._background.pool(lambda: self._importer.verify(model_id, progress=told, stop=told.stop), verified, failed)

    def remove(self, model_id: str) -> None:
        """Take a model out of the library; one that was used in place can be brought back at once."""

        def work() -> "tuple[InstalledModel | None, int]":
            kept = next((each for each in self._assembly.library.installed_models.all() if each.id == model_id), None)
            freed = self._importer.remove(model_id, loaded=self._loaded())
            return kept, freed

        def removed(result: "tuple[InstalledModel | None, int]") -> None:
            if self._closed:
                return
            kept, freed = result
            name = kept.name if kept is not None else model_id
            text = tr("{model} is removed.").format(model=name)
            if freed:
                text += " " + tr("{size} are free again.").format(size=size_text(freed, "two"))
            undo = None
            if kept is not None and not kept.copied:
                path = Path(kept.path)
                undo = (tr("Undo"), lambda: self._take_all([(path, False)]))
            self._page.show_done(text, undo)
            self.changed.emit()

        self._background.pool(work, removed, self._fail)
