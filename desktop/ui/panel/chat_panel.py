"""The panel at the right of the chat: for the chat, its folder or the model, what answers are asked with."""

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.panel.document_section import DocumentSection
from desktop.ui.panel.option_catalog import PanelOption, PanelSection, panel_options
from desktop.ui.panel.option_row import OptionRow
from desktop.ui.panel.panel_values import PanelScope, PanelSources, PanelValues, panel_values
from desktop.ui.panel.preset_section import PresetSection
from desktop.ui.panel.scope_switch import ScopeSwitch
from desktop.ui.panel.tool_section import ToolSection
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.parts.label import Label
from desktop.ui.parts.offered_tool_server import ChatToolChoice
from desktop.ui.parts.page import PageBar, ScrollColumn, section_heading
from desktop.ui.parts.setting_controls import TextBox
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

_NAMES = tuple(option.field for option in panel_options())


class ChatPanel(QWidget):
    """`changed` carries the place and its new values by name, as `OptionChanges`; `closed` where it is to go."""

    changed = Signal(str, dict)
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAccessibleName(tr("Panel"))
        self._scope: PanelScope = "chat"
        self._sources = PanelSources()
        self._values: PanelValues | None = None
        self._shows_more = False
        self._error: ErrorBox | None = None
        self.bar = PageBar(theme)
        self.title = Label(theme, "", bold=True)
        self.close_button = Button(theme, kind="quiet", icon="close", name=tr("Close the panel"))
        self.close_button.clicked.connect(self.closed)
        self.bar.row.addWidget(self.title, 1)
        self.bar.row.addWidget(self.close_button)
        self.switch = ScopeSwitch(theme)
        self.switch.chosen.connect(self._choose_scope)
        self.presets = PresetSection(theme)
        self.presets.chosen.connect(lambda name: self._change({"preset": name}))
        self.prompt = TextBox(theme, tr("System prompt of this place"), "", "")
        self.prompt.committed.connect(lambda text: self._change({"system_prompt": text}))
        self.documents = DocumentSection(theme)
        self.documents.chosen.connect(lambda names: self._change({"collections": names}))
        self.tools, self._offered_tools = ToolSection(theme), ChatToolChoice()
        self.tools.chosen.connect(lambda names: self._change({"tools": names}))
        self.rows: dict[str, OptionRow] = {}
        self.column = ScrollColumn(theme, tr("Panel"), 10_000)
        self._headings: dict[str, Label] = {}
        self.more = Button(theme, "", kind="quiet")
        self.more.clicked.connect(self._turn_more)
        self._build()

    def _build(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.bar)
        outer.addWidget(self.column, 1)
        rows = self.column.rows
        rows.setSpacing(S)
        self._scope_text = Label(self._theme, "", size="small", color="muted", wrap=True)
        rows.addWidget(self.switch)
        rows.addWidget(self._scope_text)
        self._heading("preset", tr("Preset"))
        rows.addWidget(self.presets)
        self._heading("prompt", tr("System prompt"))
        rows.addWidget(self.prompt)
        sentence = tr("What the model is told before the first message. Empty: what stands there in gray.")
        rows.addWidget(Label(self._theme, sentence, size="small", color="muted", wrap=True))
        rows.addSpacing(XS)
        rows.addWidget(self.documents)
        rows.addSpacing(XS)
        rows.addWidget(self.tools)
        self._heading("sampling", tr("Sampling"))
        self._add_rows("sampling")
        rows.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        self._add_rows("more")
        self._heading("thinking", tr("Thinking"))
        self._add_rows("thinking")
        self._heading("loading", tr("Context"))
        self._add_rows("loading")
        self._context_note = Label(self._theme, "", size="small", wrap=True)
        rows.addWidget(self._context_note)
        rows.addStretch(1)

    def _heading(self, key: str, text: str) -> None:
        self.column.rows.addSpacing(XS)
        self._headings[key] = section_heading(self._theme, text)
        self.column.rows.addWidget(self._headings[key])

    def _add_rows(self, section: PanelSection) -> None:
        for option in panel_options():
            if option.section == section:
                row = OptionRow(self._theme, option)
                row.changed.connect(lambda value, option=option: self._change(_changes(option, value)))
                self.rows[option.field] = row
                self.column.rows.addWidget(row)

    # --- what it shows -------------------------------------------------------------------------------------------

    def show_sources(self, sources: PanelSources) -> None:
        """Show what counts now. What is being typed stays."""
        other = sources.conversation.id != self._sources.conversation.id
        self._sources = sources
        self._show(other_place=other)

    def show_error(self, error: UserError | None) -> None:
        """Say above all else what could not be done; None takes it away."""
        if self._error is not None:
            self._error.hide()
            self._error.deleteLater()
            self._error = None
        if error is not None:
            self._error = ErrorBox(self._theme, error, action=(tr("Close"), lambda: self.show_error(None)))
            self.column.rows.insertWidget(0, self._error)

    def _show(self, *, other_place: bool) -> None:
        sources = self._sources
        values = self._values = panel_values(sources, self._scope, _NAMES)
        folder = sources.folder.name if sources.folder is not None else ""
        names: dict[PanelScope, str] = {"folder": folder, "model": sources.model_name}
        self.switch.show_scopes(values.scopes, values.scope, names)
        self.setFocusProxy(self.switch.buttons[values.scope])
        self.title.setText(_title(values.scope, folder, sources.model_name))
        self._scope_text.setText(_scope_sentence(values.scope))
        preset = sources.presets.get(values.preset or "")
        model = preset.model if preset is not None and preset.model not in (None, sources.model_id) else None
        self.presets.show_presets(
            sources.presets, sources.own_presets, values.preset, missing=values.preset_missing, model=model or ""
        )
        self.prompt.edit.setPlaceholderText(values.inherited_prompt or tr("None"))
        self.prompt.show_text(values.own.get("system_prompt", ""), replace=other_place)
        for field, row in self.rows.items():
            row.show_value(values.own.get(field), values.inherited[field])
            row.setVisible(self._is_shown(row.option, values))
        self._headings["loading"].setText(tr("Loading") if values.scope == "model" else tr("Context"))
        self._headings["thinking"].setVisible(bool(values.thinking_controls))
        self.more.setText(tr("Fewer settings") if self._shows_more else tr("More settings"))
        self.more.setAccessibleName(tr("Fewer sampling settings") if self._shows_more else tr("More sampling settings"))
        inherited = sources.folder.options.collections if sources.folder is not None and values.scope == "chat" else ()
        self.documents.show_chosen(values.own.get("collections", ()), inherited)
        for section in (self.documents, self.tools):
            section.setVisible(values.scope != "model")
        self._show_tools()
        note = _context_note(values)
        self._context_note.setText(note)
        self._context_note.setVisible(bool(note))

    def show_tools(self, choice: ChatToolChoice) -> None:
        """Of these tool servers answers may call tools; which ones hold is said by the place shown."""
        self._offered_tools = choice
        self._show_tools()

    def _show_tools(self) -> None:
        folder = self._sources.folder
        own = self._values.own.get("tools", ()) if self._values is not None else ()
        inherited = folder.options.tools if folder is not None and self._scope == "chat" else ()
        self.tools.show_choice(replace(self._offered_tools, own=own, inherited=inherited))

    def _is_shown(self, option: PanelOption, values: PanelValues) -> bool:
        if option.section == "more":
            return self._shows_more or option.field in values.own
        if option.section == "thinking":
            control = {"thinking": "off", "effort": "effort", "thinking_budget": "budget"}[option.field]
            return control in values.thinking_controls
        return not option.model_only or values.scope == "model"

    # --- what the person does ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """It was just opened: the keyboard goes into it."""
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def event(self, event: QEvent) -> bool:
        # Escape closes it, and stops no answer.
        return overrides_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._theme.color("page"))

    def _choose_scope(self, scope: PanelScope) -> None:
        self.commit()
        self._scope = scope
        self._show(other_place=True)

    def commit(self) -> None:
        """Take what is being typed: the place that it is for is about to go."""
        self.prompt.commit()
        for row in self.rows.values():
            row.commit()

    def _change(self, changes: dict[str, Any]) -> None:
        if self._values is not None:
            self.changed.emit(self._values.scope, changes)

    def _turn_more(self) -> None:
        self._shows_more = not self._shows_more
        self._show(other_place=False)


def _changes(option: PanelOption, value: Any) -> dict[str, Any]:
    return {"key_type": value, "value_type": value} if option.field == "key_type" else {option.field: value}


def _title(scope: PanelScope, folder: str, model: str) -> str:
    return {"chat": tr("This chat"), "folder": folder or tr("Folder"), "model": model or tr("Model")}[scope]


def _scope_sentence(scope: PanelScope) -> str:
    match scope:
        case "chat":
            return tr("Holds for this chat alone, from the next message on.")
        case "folder":
            return tr("Holds for every chat in this folder that says nothing else itself.")
        case _:
            return tr("Holds for this model wherever chat and folder say nothing else.")


def _context_note(values: PanelValues) -> str:
    """What the next message does, where the model is loaded with another context than the chat wants."""
    wanted, loaded = values.wanted_context, values.loaded_context
    if not wanted or not loaded or wanted == loaded:
        return ""
    if values.most_context and wanted > values.most_context and loaded == values.most_context:
        return tr("The model was made for {most} tokens, and is loaded with them.").format(most=f"{loaded:,}")
    return tr(
        "The model is loaded with {loaded} tokens. The next message in this chat loads it again with {wanted}; other "
        "chats then load it back."
    ).format(loaded=f"{loaded:,}", wanted=f"{wanted:,}")
