"""The page of prompts: the library that "/" offers, to add to, change, delete, and take elsewhere."""

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.chat.prompt_library import Prompt
from desktop.chat.prompt_text import prompt_variables
from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.parts.label import Badge, Label, breakable
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.page import Page, PageBar, ScrollColumn, Separator, page_title
from desktop.ui.parts.setting_controls import TextBox
from desktop.ui.theme.design_tokens import XS, M, S
from desktop.ui.theme.theme import Theme

_WIDTH = 720
_LONGEST_NAME, _LONGEST_ABOUT = 60, 1000
_LINES = 10


class PromptRow(QWidget):
    """One prompt: its name, what it is for, the variables in it."""

    edit_asked = Signal(str)
    delete_asked = Signal(str)

    def __init__(self, theme: Theme, name: str, prompt: Prompt, *, own: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        texts = QVBoxLayout()
        texts.setSpacing(2)
        head = QHBoxLayout()
        head.setSpacing(S)
        head.addWidget(Label(theme, breakable(f"/{name}"), bold=True, wrap=True), 1)
        if not own:
            head.addWidget(Badge(theme, tr("Built in")))
        texts.addLayout(head)
        if prompt.description:
            texts.addWidget(Label(theme, breakable(prompt.description), wrap=True))
        begin = " ".join(prompt.text[:400].split())
        texts.addWidget(
            Label(
                theme,
                breakable(begin if len(begin) < 200 else begin[:199] + "…"),
                size="small",
                color="muted",
                wrap=True,
            )
        )
        edit = Button(theme, tr("Edit"), name=tr("Edit: {name}").format(name=name))
        edit.clicked.connect(lambda: self.edit_asked.emit(name))
        delete = Button(theme, tr("Delete"), name=tr("Delete: {name}").format(name=name))
        delete.clicked.connect(lambda: self.delete_asked.emit(name))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, XS, 0, XS)
        row.setSpacing(S)
        row.addLayout(texts, 1)
        row.addSpacing(M)
        row.addWidget(edit, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(delete, 0, Qt.AlignmentFlag.AlignTop)


class PromptEditor(QWidget):
    """Name, what it is for, and text of one prompt. `saved` carries the name it had ("" for a new one), and those."""

    saved = Signal(str, str, str, str)
    left = Signal()

    def __init__(self, theme: Theme, name: str, prompt: Prompt | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._before = theme, name
        self.name = Field(theme, tr("What is typed after “/”"), tr("Name of the prompt"))
        self.name.setMaxLength(_LONGEST_NAME)
        self.name.setText(name)
        self.about = Field(theme, tr("In a few words"), tr("What the prompt is for"))
        self.about.setMaxLength(_LONGEST_ABOUT)
        self.about.setText(prompt.description if prompt is not None else "")
        self.text = TextBox(theme, tr("Text of the prompt"), tr("What is put into the message"), "", lines=_LINES)
        self.text.show_text(prompt.text if prompt is not None else "")
        self.text.edit.textChanged.connect(self._show_variables)
        self._variables = Label(theme, "", size="small", color="muted", wrap=True)
        save = Button(theme, tr("Save"), kind="accent", name=tr("Save the prompt"))
        save.clicked.connect(self._save)
        cancel = Button(theme, tr("Cancel"), name=tr("Do not save the prompt"))
        cancel.clicked.connect(self.left)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, S, 0, M)
        column.setSpacing(S)
        labelled = ((tr("Name"), self.name), (tr("What it is for"), self.about), (tr("Text"), self.text))
        for text, control in labelled:
            column.addWidget(Label(theme, text, size="small", color="muted"))
            column.addWidget(control)
        hint = tr(
            "{{name}} asks for a value when the prompt is put in, {{name|value}} has one already; {{clipboard}} and "
            "{{date}} are filled in by themselves."
        )
        column.addWidget(Label(theme, hint, size="small", color="muted", wrap=True))
        column.addWidget(self._variables)
        buttons = QHBoxLayout()
        buttons.setSpacing(S)
        buttons.addWidget(save)
        buttons.addWidget(cancel)
        buttons.addStretch(1)
        column.addLayout(buttons)
        self._show_variables()

    @property
    def is_changed(self) -> bool:
        """Whether anything was typed that is not saved."""
        return any(each.isModified() for each in (self.name, self.about)) or self.text.edit.document().isModified()

    def _show_variables(self) -> None:
        names = [each.name for each in prompt_variables(self.text.edit.text)]
        said = tr("Asks for: {names}.").format(names=", ".join(names)) if names else ""
        self._variables.setText(said)
        self._variables.setVisible(bool(said))

    def _save(self) -> None:
        self.text.edit.composition.finish()
        self.saved.emit(self._before, self.name.text().strip().lstrip("/"), self.about.text(), self.text.edit.text)


class PromptsPage(Page):
    """Its signals carry a prompt's name; `save_asked` what `PromptEditor.saved` does."""

    save_asked = Signal(str, str, str, str)
    delete_asked = Signal(str)
    restore_asked = Signal()
    import_asked = Signal()
    export_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setAccessibleName(tr("Prompts page"))
        self._prompts: dict[str, Prompt] = {}
        self._own: frozenset[str] = frozenset()
        self._removed = 0
        self._error: ErrorBox | None = None
        self.editor: PromptEditor | None = None
        self.rows: list[PromptRow] = []
        self.bar = PageBar(theme)
        self.bar.row.addWidget(page_title(theme, tr("Prompts")))
        self.bar.row.addStretch(1)
        for text, asked in ((tr("Import…"), self.import_asked), (tr("Export…"), self.export_asked)):
            button = Button(theme, text)
            button.clicked.connect(asked)
            self.bar.row.addWidget(button)
        new = Button(theme, tr("New prompt"), icon="plus")
        new.clicked.connect(lambda: self.edit(""))
        self.bar.row.addWidget(new)
        self.column = ScrollColumn(theme, tr("Prompts"), _WIDTH)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.bar)
        outer.addWidget(self.column, 1)

    def show_prompts(self, prompts: Mapping[str, Prompt], own: frozenset[str], removed: int) -> None:
        """Show the library; `own` are a person's, `removed` so many built-in ones were taken out."""
        if (dict(prompts), own, removed) == (self._prompts, self._own, self._removed) and self.rows:
            return
        self._prompts, self._own, self._removed = dict(prompts), own, removed
        self._draw()

    def show_error(self, error: UserError | None) -> None:
        """Say what could not be done, above all else; None takes it away."""
        if self._error is not None:
            self._error.hide()
            self._error.deleteLater()
            self._error = None
        if error is not None:
            self._error = ErrorBox(self.theme, error, action=(tr("Close"), lambda: self.show_error(None)))
            self.column.rows.insertWidget(0, self._error)
            self.column.verticalScrollBar().setValue(0)

    def edit(self, name: str) -> None:
        """Edit a prompt in its place, or a new one ("") above all."""
        if self.editor is not None and self.editor.is_changed:
            self.editor.name.setFocus(Qt.FocusReason.OtherFocusReason)
            return  # what is typed there is not thrown away for this
        self._draw(edited=name)
        assert self.editor is not None
        focused = self.editor.text.edit if name else self.editor.name
        focused.setFocus(Qt.FocusReason.OtherFocusReason)

    def finish_editing(self) -> None:
        """What was typed was saved, or given up."""
        self.editor = None
        self._draw()

    def _draw(self, edited: str | None = None) -> None:
        """Build the rows; where one is being edited, it stays as it is."""
        kept = self.editor if edited is None else None
        self.column.inside.hide()
        rows = self.column.rows
        while (item := rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None and widget is not kept:
                widget.hide()
                widget.deleteLater()
        self.rows, self._error = [], None
        intro = tr("Type “/” at the beginning of a message to put one of these in.")
        rows.addWidget(Label(self.theme, intro, color="muted", wrap=True))
        if edited is not None:
            self.editor = PromptEditor(self.theme, edited, self._prompts.get(edited))
            self.editor.saved.connect(self.save_asked)
            self.editor.left.connect(self.finish_editing)
        if self.editor is not None:
            rows.addWidget(self.editor)
            self.editor.show()
        for name, prompt in self._prompts.items():
            rows.addWidget(Separator(self.theme))
            row = PromptRow(self.theme, name, prompt, own=name in self._own)
            row.edit_asked.connect(self.edit)
            row.delete_asked.connect(self.delete_asked)
            rows.addWidget(row)
            self.rows.append(row)
        if self._removed:
            rows.addWidget(Separator(self.theme))
            restore = Button(self.theme, tr("Bring back the built-in prompts that were deleted"))
            restore.clicked.connect(self.restore_asked)
            rows.addWidget(restore, 0, Qt.AlignmentFlag.AlignLeft)
        rows.addStretch(1)
        self.column.inside.show()
        rows.activate()
        if edited is not None:
            self.column.verticalScrollBar().setValue(0)
