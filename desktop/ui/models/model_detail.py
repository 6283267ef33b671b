"""One model at the right of the page: what it is built on, what stands before chatting with it, its files, facts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QApplication, QWidget

from desktop.library.model_identity import recognition_of
from desktop.library.status import ModelStatus, is_closed, refusal_of_step
from desktop.settings import AcceptanceSettings, Settings
from desktop.translation import tr
from desktop.ui.downloads.downloads_strip import DownloadRow
from desktop.ui.models.drawn_state import drawn_of_card, drawn_of_status
from desktop.ui.models.endpoint_section import EndpointSection
from desktop.ui.models.fact_tables import (
    facts_table,
    files_table,
    model_facts,
    no_lineage_text,
    terms_summary,
    terms_table,
)
from desktop.ui.models.lineage_view import LineageView
from desktop.ui.models.load_settings_section import LoadSettingsSection
from desktop.ui.models.model_files import FileChooser, ModelFileActions, file_state_note
from desktop.ui.models.model_text import is_built_in, summary_text
from desktop.ui.models.setup_steps import setup_steps
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox, Note
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Badge, Label, breakable
from desktop.ui.parts.page import ScrollColumn, page_title, section_heading, take_all
from desktop.ui.parts.step_row import StepButton, StepRow
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.theme.design_tokens import XS, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.library.download_item import DownloadItem
    from desktop.library.library_model import LibraryCard
    from desktop.ui.models.search_hits import SearchHit


class ModelDetail(ScrollColumn):
    """Shows one card, or something that was found. Its signals carry the model's id, and the license's where one is
    meant (`accept_asked`: the licenses that one click accepts, and the AcceptanceSettings shown beside it);
    `step_asked` carries what a step's button asks for, and of what; `download_asked` a download's id,
    `loading_changed` what is set for its loading, by the names of `ModelSettings`."""

    use_asked = Signal(str)
    license_asked = Signal(str, str)
    accept_asked = Signal(str, object, object)
    difference_asked = Signal(str, str)
    revoke_asked = Signal(str)
    import_asked = Signal()
    link_asked = Signal(str)
    step_asked = Signal(str, str)
    file_chosen = Signal(str, str)
    download_asked = Signal(str, str)
    loading_changed = Signal(str, dict)
    template_asked = Signal(str)
    adapters_asked = Signal(str)
    endpoint_check_asked = Signal(str)
    endpoint_remove_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, tr("Model"), 600, parent)
        self._theme = theme
        self._remembered = AcceptanceSettings()
        self._shown = self._remembered
        self._card: LibraryCard | None = None
        self._drawn: object = None
        self.steps: list[StepRow] = []
        self.tree: LineageView | None = None
        self._buttons: list[Button] = []
        self._status: ModelStatus | None = None
        self._downloads: dict[str, DownloadItem] = {}
        self.chooser: FileChooser | None = None
        self.download: DownloadRow | None = None
        self.loading: LoadSettingsSection | None = None
        self._settings, self._loading_opened = Settings(), False
        self.rows.setSpacing(S)

    @property
    def card(self) -> "LibraryCard | None":
        return self._card

    def set_acceptance_settings(self, remembered: AcceptanceSettings) -> None:
        """What one click accepts as, in the cards shown from now on: as the last time."""
        self._remembered = remembered

    def show_settings(self, settings: Settings) -> None:
        """Show how models are loaded; what is being typed stays."""
        self._settings = settings
        if self.loading is not None and self._card is not None and self._card.listed.model is not None:
            self.loading.show_settings(settings, self._card.listed.model.id)

    def show_card(self, card: "LibraryCard | None", *, in_use: bool, way: ModelStatus | None = None) -> None:
        """Show `card`, and its status (`way`). Where it is the one shown already, what is seen and the focus
        stay where they are."""
        same = self._card is not None and card is not None and self._card.listed.subject.id == card.listed.subject.id
        download = self._download_of(card.listed.subject.id) if card is not None else None
        under_way = download.id if download is not None else ""
        drawn = (drawn_of_card(card), in_use, under_way, self._remembered) if card is not None else None
        same_status = drawn_of_status(way) == drawn_of_status(self._status)
        if drawn == self._drawn and same_status:
            self._card, self._status = card, way
            return
        focused = self._focused_name() if same else ""
        value = self.verticalScrollBar().value() if same else 0
        self.inside.hide()  # or each widget would be shown by an event of its own, later
        self._card, self._drawn, self._status = card, drawn, way
        self.clear()
        if card is not None:
            self._build(card, in_use=in_use)
            self.rows.addStretch(1)
        self.inside.show()
        self.rows.activate()
        self.verticalScrollBar().setValue(value)
        if value:
            QTimer.singleShot(0, self, lambda: self.verticalScrollBar().setValue(value))
        if focused:
            self._focus_named(focused)

    def show_hit(self, finding: "SearchHit") -> None:
        """Show something that was found and is not in the library."""
        if self._drawn == finding:
            return
        self._card, self._status, self._drawn = None, None, finding
        self.inside.hide()
        self.clear()
        theme, rows = self._theme, self.rows
        name = page_title(theme, breakable(finding.card_text.name))
        name.setWordWrap(True)
        rows.addWidget(name)
        rows.addWidget(Label(theme, breakable(finding.summary), size="reading", color="muted", wrap=True))
        flow = FlowBox(gap=S, line_gap=S)
        for each in finding.buttons:
            button = Button(theme, each.text, kind="accent" if each is finding.buttons[0] else "boxed", name=each.name)
            button.clicked.connect(lambda _=False, pressed=each: self.step_asked.emit(pressed.act, pressed.of))
            flow.add(button)
            self._buttons.append(button)
        rows.addSpacing(XS)
        rows.addWidget(flow)
        if finding.note:
            rows.addWidget(Label(theme, breakable(finding.note), size="small", color="muted", wrap=True))
        badges = FlowBox()
        for text, tone in finding.card_text.badges:
            badges.add(Badge(theme, text, tone))
        rows.addSpacing(XS)
        rows.addWidget(badges)
        self._heading(tr("Facts"))
        rows.addWidget(facts_table(theme, finding.facts, self.link_asked.emit))
        rows.addStretch(1)
        self.inside.show()
        rows.activate()
        self.verticalScrollBar().setValue(0)

    def show_downloads(self, items: "Sequence[DownloadItem]") -> bool:
        """Take on how the downloads stand; whether the model shown is drawn otherwise now, so that it has to be shown
        again."""
        self._downloads = {item.id: item for item in items}
        item = self._download_of(self._card.listed.subject.id) if self._card is not None else None
        if self.download is not None and item is not None and item.id == self.download.item.id:
            self.download.show_item(item)
            return False
        return (item is None) != (self.download is None)

    def _download_of(self, model_id: str) -> "DownloadItem | None":
        """The download of a model that is under way; the newest of several."""
        mine = [item for item in self._downloads.values() if item.model_id == model_id]
        going = [item for item in mine if item.progress.state not in ("done", "cancelled")]
        return going[-1] if going else None

    def show_widget(self, widget: QWidget) -> None:
        """Show something in place of a model."""
        self._card = self._drawn = self._status = None
        self.clear()
        self.rows.addWidget(widget)
        self.rows.addStretch(1)

    def clear(self) -> None:
        """Show nothing."""
        self.steps, self._buttons, self.tree = [], [], None
        loading, self.loading = self.loading, None
        self.chooser = self.download = None
        if loading is not None:
            self._loading_opened = loading.opened
            loading.commit()
        take_all(self.rows)

    @property
    def first_button(self) -> Button | None:
        """The button for what comes next: to chat, or the first step that is not done."""
        in_steps = [button for step in self.steps if step.step.progress != "done" for button in step.buttons]
        return next(iter([*self._buttons, *in_steps]), None)

    # --- building ------------------------------------------------------------------------------------------------

    def _build(self, card: "LibraryCard", *, in_use: bool) -> None:
        theme, rows = self._theme, self.rows
        name = page_title(theme, breakable(card.listed.subject.name))
        name.setWordWrap(True)
        rows.addWidget(name)
        rows.addWidget(Label(theme, breakable(summary_text(card)), size="reading", color="muted", wrap=True))
        if card.listed.model is not None and (said := recognition_of(card.listed.model)):
            rows.addWidget(Label(theme, said, size="small", color="muted", wrap=True))
        self._add_state(card)
        self._add_uses(card, in_use=in_use)
        self._heading(tr("Built on"))
        self._add_lineage(card)
        self._add_steps(card)
        self._add_tables(card)

    def _heading(self, text: str) -> None:
        self.rows.addSpacing(M - XS)
        self.rows.addWidget(section_heading(self._theme, text))

    def _add_state(self, card: "LibraryCard") -> None:
        """A file that vanished or changed, and access that was taken back, are told before all else."""
        model, way = card.listed.model, self._status
        if model is not None and model.state != "here":
            self.rows.addWidget(ErrorBox(self._theme, file_state_note(model)))
        access = way.offer.access if way is not None and way.offer is not None and way.offer.access_revoked else None
        if access is not None:
            self.rows.addWidget(Note(self._theme, breakable(f"{access.title} {access.detail}")))

    def _add_uses(self, card: "LibraryCard", *, in_use: bool) -> None:
        """Where all is done: to chat, and to take the acceptance back."""
        model_id = card.listed.subject.id
        flow = FlowBox(gap=S, line_gap=S)
        model = card.listed.model
        if model is not None and card.verdict.allowed and model.state == "here":
            if model.kind != "chat":
                flow.add(Badge(self._theme, tr("Searches in documents"), "chosen"))
            elif in_use:
                flow.add(Badge(self._theme, tr("Answers now"), "chosen"))
            else:
                use = Button(self._theme, tr("Chat with it"), kind="accent")
                use.clicked.connect(lambda: self.use_asked.emit(model_id))
                flow.add(use)
                self._buttons.append(use)
        if any(each.status == "in-force" for each in card.verdict.licenses):
            revoke = Button(self._theme, tr("Revoke…"), name=tr("Revoke acceptance"))
            set_tool_tip(revoke, tr("Take back the acceptance of its licenses; the model is then unloaded."))
            revoke.clicked.connect(lambda: self.revoke_asked.emit(model_id))
            flow.add(revoke)
            self._buttons.append(revoke)
        if flow.widgets:
            self.rows.addSpacing(XS)
            self.rows.addWidget(flow)
        else:
            flow.deleteLater()

    def _add_lineage(self, card: "LibraryCard") -> None:
        theme, rows, lineage = self._theme, self.rows, card.listed.subject.lineage
        beginning = no_lineage_text(lineage)
        if beginning:
            rows.addWidget(Label(theme, breakable(beginning), color="muted", wrap=True))
        else:
            self.tree = LineageView(theme, lineage)
            rows.addWidget(self.tree)
        for flag in lineage.flags:
            rows.addWidget(Note(theme, breakable(flag.sentence)))
        said = terms_summary(lineage)
        if said is not None:
            rows.addWidget(Label(theme, breakable(said.sentence), size="small", color="muted", wrap=True))
            if said.lines:
                rows.addWidget(terms_table(theme, said.lines))
        elif not lineage.unknown:
            text = tr("No restriction on what it is used for is known in its license or in those of its ancestors.")
            rows.addWidget(Label(theme, text, size="small", color="muted", wrap=True))

    def _add_steps(self, card: "LibraryCard") -> None:
        self._shown = self._remembered
        steps = setup_steps(card, self._status, self._shown)
        told = card.verdict.refusal not in ("", "license", "not-runnable")
        blocked = card.verdict.error if told else refusal_of_step(card, self._status)
        if is_closed(card.listed):
            self._heading(tr("Closed"))
            text = tr(
                "Its weights were never published, so nobody can download it. It is listed because other models were "
                "trained on what it wrote, or are compared with it."
            )
            self.rows.addWidget(Label(self._theme, text, color="muted", wrap=True))
            return
        if card.listed.subject.not_runnable:
            self._heading(tr("Cannot run in Latchkey"))
            text = card.listed.subject.not_runnable
            self.rows.addWidget(Label(self._theme, breakable(text), color="muted", wrap=True))
        if not steps and blocked is None:
            return
        done = all(step.progress == "done" for step in steps) and blocked is None
        accepted = tr("License") if is_built_in(card) else tr("Accepted licenses")
        self._heading(accepted if done else tr("Before you can chat"))
        if blocked is not None:
            self.rows.addWidget(ErrorBox(self._theme, blocked))
        item = self._download_of(card.listed.subject.id)
        for number, step in enumerate(steps, 1):
            fetching = item is not None and any(button.act == "download" for button in step.buttons)
            row = StepRow(self._theme, number, replace(step, text="", buttons=()) if fetching else step, self._ask)
            self.rows.addSpacing(XS)
            self.rows.addWidget(row)
            self.steps.append(row)
        if item is not None:
            self.download = DownloadRow(self._theme, item)
            self.download.action_requested.connect(self.download_asked)
            self.rows.addSpacing(XS)
            self.rows.addWidget(self.download)

    def _add_tables(self, card: "LibraryCard") -> None:
        theme, rows, way = self._theme, self.rows, self._status
        model = card.listed.model
        offer = way.offer if way is not None else None
        if offer is not None and offer.files:
            self._heading(tr("Files"))
            self.chooser = FileChooser(theme, offer, way.file if way is not None else "", _file_name(card))
            self.chooser.chosen.connect(lambda name: self.file_chosen.emit(card.listed.subject.id, name))
            rows.addWidget(self.chooser)
            chosen = offer.file(way.file) if way is not None and way.file else None
            for said in (chosen.fit.sentence, chosen.quality) if chosen is not None else ():
                if said:
                    rows.addWidget(Label(theme, breakable(said), size="small", color="muted", wrap=True))
            if offer.skipped:
                left = tr("Left out, as they cannot be used: {files}.").format(files=", ".join(offer.skipped[:5]))
                rows.addWidget(Label(theme, breakable(left), size="small", color="muted", wrap=True))
        elif (files := files_table(theme, card)) is not None:
            self._heading(tr("Files"))
            rows.addWidget(files)
        if model is not None and way is not None and way.removable:
            manage = ModelFileActions(theme, card, way)
            manage.action_requested.connect(lambda act: self.step_asked.emit(act, model.file_id or model.id))
            rows.addWidget(manage)
        if model is not None and model.served is not None:
            self._heading(tr("Endpoint"))
            endpoint = EndpointSection(theme, model.served)
            endpoint.check_asked.connect(self.endpoint_check_asked)
            endpoint.remove_asked.connect(self.endpoint_remove_asked)
            rows.addWidget(endpoint)
        self._add_loading(card)
        self._heading(tr("Facts"))
        rows.addWidget(facts_table(theme, model_facts(card), self.link_asked.emit))
        entry = card.listed.entry
        if entry is not None and entry.unchecked:
            self._heading(tr("Could not be checked"))
            for sentence in entry.unchecked:
                rows.addWidget(Label(theme, f"·  {breakable(sentence)}", size="small", color="muted", wrap=True))

    def _add_loading(self, card: "LibraryCard") -> None:
        model = card.listed.model
        if model is None or model.adapter or model.kind != "chat" or model.state != "here" or model.served is not None:
            return
        self._heading(tr("Loading"))
        loading = self.loading = LoadSettingsSection(self._theme, card.listed.subject.name, opened=self._loading_opened)
        loading.adapters_asked.connect(lambda: self.adapters_asked.emit(model.id))
        loading.license_asked.connect(lambda adapter: self.license_asked.emit(adapter, ""))
        loading.show_settings(self._settings, model.id)
        loading.changed.connect(lambda changes: self.loading_changed.emit(model.id, changes))
        loading.template_asked.connect(lambda: self.template_asked.emit(model.id))
        self.rows.addWidget(loading)

    # --- asking --------------------------------------------------------------------------------------------------

    def _ask(self, button: StepButton) -> None:
        assert self._card is not None
        model_id = self._card.listed.subject.id
        match button.act:
            case "license":
                self.license_asked.emit(model_id, button.of)
            case "accept":
                needed = [each for each in self._card.listed.subject.needed if each.id == button.of]
                self.accept_asked.emit(model_id, tuple(needed), self._shown)
            case "difference":
                self.difference_asked.emit(model_id, button.of)
            case "link":
                self.link_asked.emit(button.of)
            case "import":
                self.import_asked.emit()
            case act:
                self.step_asked.emit(act, button.of or model_id)

    def _focused_name(self) -> str:
        focus = QApplication.focusWidget()
        return focus.accessibleName() if focus is not None and self.isAncestorOf(focus) else ""

    def _focus_named(self, name: str) -> None:
        """Give the focus to what is called `name`, or to what comes next: not wherever Qt finds the next widget."""
        widgets = [each for each in self.findChildren(QWidget) if each.isVisibleTo(self)]  # not those that just went
        found = next((each for each in widgets if each.accessibleName() == name), None)
        target = found if found is not None else self.first_button
        if target is not None:
            target.setFocus()


def _file_name(card: "LibraryCard") -> str:
    return card.listed.model.path.name if card.listed.model is not None else ""
