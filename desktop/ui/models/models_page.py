"""The page of models: those on this computer and those of the catalog at the left, the chosen one at the right."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop.credentials.ledger_key_store import LedgerKeyLockedError
from desktop.errors import UserError
from desktop.settings import AcceptanceSettings
from desktop.translation import tr, trn
from desktop.ui.downloads.downloads_strip import DownloadsStrip
from desktop.ui.licenses.refusal_text import for_window
from desktop.ui.models.card_item_model import CardFilters, Gates, Licenses
from desktop.ui.models.card_list import CardList
from desktop.ui.models.list_notices import ImportQuestion, ListNotices, NoMatchPanel, TaskProgress, no_match_text
from desktop.ui.models.model_detail import ModelDetail
from desktop.ui.models.model_text import StatusLabel
from desktop.ui.models.search_bars import DiskUseBar, HubSearchBar
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.page import Page, PageBar, Splitter, page_title
from desktop.ui.parts.pill import ChoicePill, Pill
from desktop.ui.theme.design_tokens import NARROW, XL, XS, L, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.catalog.catalog_file import CatalogProblem
    from desktop.library.download_item import DownloadItem
    from desktop.library.library_model import LibraryCard
    from desktop.library.recommendations import TaskRecommendation
    from desktop.library.status import ModelStatus
    from desktop.ui.models.search_hits import HitSection

_PROBLEMS_TOLD = 3


class ModelsPage(Page):
    """Shows the cards it is given. Its signals carry the model's id, and the license's where one is meant;
    `status_requested` that of the model shown and the file chosen of it ("" for none)."""

    use_asked = Signal(str)
    license_asked = Signal(str, str)
    difference_asked = Signal(str, str)
    revoke_asked = Signal(str)
    import_asked = Signal()
    link_asked = Signal(str)
    licenses_asked = Signal()
    status_requested = Signal(str, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setAccessibleName(tr("Models page"))
        self._cards: tuple[LibraryCard, ...] = ()
        self._notes: Mapping[str, StatusLabel] = {}
        self._found: dict[str, HitSection] = {}
        self._statuses: dict[str, ModelStatus] = {}
        self._picked: dict[str, str] = {}
        self._in_use: str | None = None
        self._hub_error: UserError | None = None
        self._hub_problem = ""
        self._mistakes: tuple[CatalogProblem, ...] = ()
        self.field = Field(theme, tr("Name, or Hub address"), tr("Search models"), escape_clears=True)
        self.runs_here = Pill(theme, tr("Fits this computer"))
        self.licenses = ChoicePill(
            theme,
            tr("Licenses shown"),
            {"any": tr("Any license"), "open": tr("Open licenses"), "commercial": tr("Commercial use allowed")},
        )
        self.gates = ChoicePill(theme, tr("Gates shown"), {"any": tr("Open and gated"), "open": tr("Open only")})
        self.import_button = Button(theme, tr("Import file…"), name=tr("Import model file"))
        self.list = CardList(theme)
        self.detail = ModelDetail(theme)
        self.hub = HubSearchBar(theme)
        self.downloads = DownloadsStrip(theme)
        self.foot = DiskUseBar(theme)
        self.working = TaskProgress(theme)
        self.taking = ImportQuestion(theme)
        self._build()
        self._connect()

    def _build(self) -> None:
        theme = self.theme
        self.bar = PageBar(theme)
        self._pills = FlowBox()
        for pill in (self.runs_here, self.licenses, self.gates):
            self._pills.add(pill)
        self.bar.row.addWidget(page_title(theme, tr("Models")))
        self.bar.row.addWidget(self.field, 1)
        self.bar.row.addStretch(1)
        self.bar.row.addWidget(self._pills, 0, Qt.AlignmentFlag.AlignVCenter)
        self.bar.row.addWidget(self.import_button)
        self._strip = QVBoxLayout()
        self._nothing = NoMatchPanel(theme)
        self._nothing.clear.clicked.connect(self.clear_filters)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._nothing)
        left = QWidget()
        self._left = QVBoxLayout(left)
        self._left.setContentsMargins(L, XS, XS, 0)
        self._left.setSpacing(0)
        self._notices = ListNotices(theme)
        for widget in (self.downloads, self.taking, self.working, self._notices):
            self._left.addWidget(widget)
        self._left.addWidget(self.hub)
        self._left.addSpacing(XS)
        self._left.addWidget(self._stack, 1)
        self._left.addWidget(self.foot)
        self._split = Splitter(theme, Qt.Orientation.Horizontal)
        self._split.addWidget(left)
        self._split.addWidget(self.detail)
        self._split.setChildrenCollapsible(False)
        self._split.setStretchFactor(0, 56)
        self._split.setStretchFactor(1, 44)
        self._split.setSizes([560, 468])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addLayout(self._strip)
        column.addWidget(self._split, 1)
        self._pills_in_bar = True

    def _connect(self) -> None:
        self.field.textChanged.connect(self._words_changed)
        self.field.returnPressed.connect(self._enter_words)
        self.field.installEventFilter(self)
        self.runs_here.toggled.connect(self._filter)
        self.licenses.changed.connect(self._filter)
        self.gates.changed.connect(self._filter)
        self.import_button.clicked.connect(self.import_asked)
        self.list.current_changed.connect(self._show)
        self.list.entered.connect(self._enter)
        detail = self.detail
        detail.use_asked.connect(self.use_asked)
        detail.license_asked.connect(self.license_asked)
        detail.difference_asked.connect(self.difference_asked)
        detail.revoke_asked.connect(self.revoke_asked)
        detail.import_asked.connect(self.import_asked)
        detail.link_asked.connect(self.link_asked)
        detail.file_chosen.connect(self._pick)

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_cards(
        self,
        cards: "Sequence[LibraryCard]",
        in_use: str | None,
        problems: "Sequence[CatalogProblem]" = (),
        notes: Mapping[str, StatusLabel] | None = None,
        choices: "Mapping[str, TaskRecommendation] | None" = None,
    ) -> None:
        """List `cards`; `in_use` is the id of the one that answers, `problems` the catalog's mistakes, `notes` what
        stands on the cards of models that are not here, `choices` those to begin with on this computer, both by id.

        What is chosen, what is seen and the focus stay where they are.
        """
        self._cards, self._in_use, self._notes = tuple(cards), in_use, notes or {}
        self._tell_mistakes(tuple(problems))
        errors = (card.verdict.error for card in cards)
        locked = next((for_window(each) for each in errors if isinstance(each, LedgerKeyLockedError)), None)
        self._notices.set_error("ledger", locked, (tr("Licenses…"), self.licenses_asked.emit))
        self.list.show_cards(self._cards, self._filters(), self._notes, self._sections(), choices or {})
        if not self._is_listed(self.list.chosen_id):
            self.list.begin(in_use)
        self._show_stack()
        self._show_chosen()

    def show_acceptance_settings(self, remembered: AcceptanceSettings) -> None:
        """What the person accepts with one click as, from now on."""
        detail = self.detail
        detail.set_acceptance_settings(remembered)
        if (card := detail.card) is not None:
            model_id = card.listed.subject.id
            detail.show_card(card, in_use=model_id == self._in_use, way=self._statuses.get(model_id))

    def choose(self, model_id: str) -> bool:
        """Show one model, even where the filters leave it out. False where it is not among those listed."""
        if not self._is_listed(model_id):
            return False
        if self.list.rows.row_of(model_id) is None:
            self.clear_filters()
        self.list.choose(model_id)
        self._show(model_id)
        return True

    def show_error(self, error: UserError, action: tuple[str, Callable[[], None]] | None = None) -> None:
        """The models could not be listed; `action` is what can be done."""
        self._cards = ()
        self.list.show_cards((), self._filters(), {}, self._sections())
        self.detail.show_widget(ErrorBox(self.theme, error, action=action))

    def clear_filters(self) -> None:
        """Show every model again."""
        self.field.clear()
        self.runs_here.setChecked(False)
        self.licenses.choose("any")
        self.gates.choose("any")
        self._filter()

    def _filters(self) -> CardFilters:
        licenses, gates = cast("Licenses", self.licenses.chosen), cast("Gates", self.gates.chosen)
        return CardFilters(self.field.text(), self.runs_here.isChecked(), licenses, gates)

    def _words_changed(self) -> None:
        """Other words: what the Hub said to the ones before is no answer to them."""
        self.hub.show_words(self.field.text().strip())
        self._hub_error = None
        self._found.pop("hub", None)
        self._filter()

    def _filter(self) -> None:
        self.list.show_cards(self._cards, self._filters(), None, self._sections())
        if self.list.rows.row_of(self.list.chosen_id) is None and self.list.rows.ids:
            self.list.choose(self.list.rows.ids[0])
            self._show(self.list.chosen_id)
        elif not self.list.rows.ids or self.detail.card is None:
            self._show_chosen()
        self._show_stack()

    def _show_stack(self) -> None:
        nothing = bool(self._cards) and not self.list.rows.ids and not self.list.rows.headings
        self._stack.setCurrentWidget(self._nothing if nothing else self.list)
        if nothing:
            self._nothing.show_words(self.field.text().strip())

    def _show_chosen(self) -> None:
        """Show the chosen model; where nothing is found by the words that were typed, that and no other model."""
        if self.list.rows.ids or not self._cards:
            self._show(self.list.chosen_id)
            return
        section = self._found.get("hub")
        said = self._hub_error.title if self._hub_error is not None else section.empty if section is not None else ""
        said = said or no_match_text(self.field.text().strip())
        self.detail.show_widget(Label(self.theme, breakable(said), color="muted", wrap=True))

    def _show(self, model_id: str | None) -> None:
        finding = self.list.rows.hit_at(model_id) if model_id is not None else None
        if finding is not None:
            self.detail.show_hit(finding)
            return
        card = self.list.rows.card(model_id) if model_id is not None else None
        way = self._statuses.get(model_id) if model_id is not None else None
        self.detail.show_card(card, in_use=model_id is not None and model_id == self._in_use, way=way)
        if card is not None and model_id is not None:
            self.status_requested.emit(model_id, self._picked.get(model_id, ""))

    def _is_listed(self, model_id: str | None) -> bool:
        rows = self.list.rows
        return model_id is not None and (rows.card(model_id) is not None or rows.hit_at(model_id) is not None)

    def _sections(self) -> "tuple[HitSection, ...]":
        return tuple(self._found.values())

    # --- a model's status --------------------------------------------------------------------------------------

    def show_status(self, model_id: str, way: "ModelStatus") -> None:
        """Show the status of a model: its remaining steps."""
        self._statuses[model_id] = way
        card = self.detail.card
        if card is not None and card.listed.subject.id == model_id:
            self.detail.show_card(card, in_use=model_id == self._in_use, way=way)

    def _pick(self, model_id: str, file: str) -> None:
        self._picked[model_id] = file
        self.status_requested.emit(model_id, file)

    def chosen_file(self, model_id: str) -> str:
        """The file that is chosen of a model, "" for none."""
        return self._picked.get(model_id, "")

    def show_hits(self, key: str, section: "HitSection | None") -> None:
        """List what was found outside the library ("hub" or "apps"), above all else; None takes it away."""
        self._found.pop(key, None)
        if section is not None:
            self._found = {key: section, **self._found}
        self.list.show_cards(self._cards, self._filters(), None, self._sections())
        if section is not None:
            self.list.scrollToTop()
            if section.findings:
                self.list.choose(section.findings[0].card_text.id)
        elif not self._is_listed(self.list.chosen_id) and self.list.rows.ids:
            self.list.choose(self.list.rows.ids[0])
        self._show_stack()
        self._show_chosen()

    def show_hub(self, endpoint: str, problem: UserError | None = None) -> None:
        """The Hub that is asked, "" and the reason where none can be."""
        if endpoint:
            self.hub.set_endpoint(endpoint)
        self._hub_problem = str(problem or "")
        self._notices.set_error("hub", problem)

    def show_hub_error(self, error: UserError | None) -> None:
        """The Hub could not be asked for the words, or has nothing under them; None takes that away."""
        self.hub.show_error(None if str(error) == self._hub_problem else error)  # that is said above the list
        self._hub_error = error
        if error is not None and not self.list.rows.ids:
            self._show_chosen()

    def show_downloads(self, items: "Sequence[DownloadItem]") -> None:
        """Show how the downloads stand."""
        self.downloads.show_items(items)
        if self.detail.show_downloads(items):
            self._show(self.list.chosen_id)

    def show_problem(self, error: UserError | None) -> None:
        """Something that was asked for on this page failed; None takes the message away."""
        action = (tr("Close"), lambda: self.show_problem(None))
        if isinstance(error, LedgerKeyLockedError):
            error, action = for_window(error), (tr("Licenses…"), self.licenses_asked.emit)
        self._notices.set_error("failed", error, action)

    def show_done(self, text: str, action: tuple[str, Callable[[], None]] | None = None) -> None:
        """Say that something was done, with a button that undoes it or leads on."""
        self._notices.show_done(text, action)

    def _tell_mistakes(self, problems: "tuple[CatalogProblem, ...]") -> None:
        if problems == self._mistakes:
            return
        self._mistakes = problems
        if not problems:
            self._notices.set_error("catalog", None)
            return
        text = trn("A mistake in the catalog", "{count} mistakes in the catalog", len(problems))
        lines = [str(problem) for problem in problems]
        more = len(lines) > _PROBLEMS_TOLD
        error = UserError(
            text.format(count=len(problems)),
            "\n".join(lines[:_PROBLEMS_TOLD]),
            tr("What has a mistake is left out, and so is what rests on it."),
            technical="\n".join(lines) if more else "",
        )
        self._notices.set_error("catalog", error)

    # --- keyboard ------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Up and Down walk through the cards while the words are still being typed.
        if watched is self.field and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
            step = steps.get(Qt.Key(event.key()))
            if step is not None:
                self.list.step(step)
                return True
        return super().eventFilter(watched, event)

    def _enter_words(self) -> None:
        """Enter on the words: to the chosen model, or, where nothing here is called so, to the Hub."""
        if self.hub.words and (self.hub.repository or not self.list.rows.ids):
            self.hub.submit()
        else:
            self._enter()

    def _enter(self) -> None:
        """On to the chosen model: to what comes next with it."""
        button = self.detail.first_button
        if button is not None:
            button.setFocus(Qt.FocusReason.TabFocusReason)
            self.detail.ensureWidgetVisible(button)
        elif self.list.rows.ids:
            self.list.setFocus(Qt.FocusReason.TabFocusReason)

    def panes(self) -> list[QWidget]:
        """Where F6 goes: the words, the cards, what comes next with the chosen one."""
        button = self.detail.first_button
        strip = [next(iter(self.downloads.rows.values())).first] if self.downloads.rows else []
        return [self.field, *strip, self.list, *([button] if button is not None else [])]

    # --- widths --------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Where the page is narrow the pills stand in a strip of their own, and the model under the list."""
        wanted = self._pills.sizeHint().width() + self.import_button.sizeHint().width()
        in_bar = self.width() - wanted >= 22 * self.field.fontMetrics().averageCharWidth() + 2 * XL + 8 * L
        if in_bar != self._pills_in_bar:
            self._pills_in_bar = in_bar
            self._strip.setContentsMargins(*((0, 0, 0, 0) if in_bar else (L + XS, S, L + XS, XS)))
            if in_bar:
                self.bar.row.insertWidget(self.bar.row.count() - 1, self._pills, 0, Qt.AlignmentFlag.AlignVCenter)
            else:
                self._strip.addWidget(self._pills)
        orientation = Qt.Orientation.Horizontal if self.width() >= NARROW else Qt.Orientation.Vertical
        if self._split.orientation() != orientation:
            self._split.setOrientation(orientation)
