"""The page of settings. Every change holds at once; there is nothing to save."""

from typing import Any

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.paths import Paths
from desktop.settings import AcceptanceSettings, Settings
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.context_text import context_choices
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.parts.label import Label
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.link import open_folder
from desktop.ui.parts.page import Page, PageBar, ScrollColumn, Separator, page_title, section_heading
from desktop.ui.parts.setting_controls import (
    ChoiceButton,
    NumberField,
    TextBox,
    labelled_setting,
    set_hint,
    setting_row,
)
from desktop.ui.parts.terms_text import purpose_name
from desktop.ui.parts.toggle import Toggle
from desktop.ui.settings.about_section import AboutSection
from desktop.ui.settings.background_section import BackgroundSection
from desktop.ui.settings.backup_section import BackupSection
from desktop.ui.settings.documents_section import DocumentsSection
from desktop.ui.settings.network_section import NetworkSection
from desktop.ui.settings.prompt_cache_section import PromptCacheSection
from desktop.ui.theme.design_tokens import TEXT_SCALES, XS, L, S
from desktop.ui.theme.theme import Theme

_WIDTH = 640
_FIELD_CHARACTERS = 24
_FIELD_MAX_LENGTH = 1_000
_GIGABYTE = 1_000_000_000


class SettingsPage(Page):
    """Emits `changed` with the settings a person changed, by name, and `prompts_asked` and `import_asked` where those
    pages are wanted; `show_settings` shows those in force."""

    changed = Signal(dict)
    prompts_asked = Signal()
    import_asked = Signal()

    def __init__(self, theme: Theme, paths: Paths, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._paths, self._settings = paths, settings
        self.setAccessibleName(tr("Settings page"))
        self._hint: dict[QWidget, Label] = {}
        self._error: ErrorBox | None = None
        self.bar = PageBar(theme)
        self.bar.row.addWidget(page_title(theme, tr("Settings")))
        self.bar.row.addStretch(1)
        self.column = ScrollColumn(theme, tr("Settings"), _WIDTH)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.bar)
        outer.addWidget(self.column, 1)
        self._appearance()
        self._model()
        self._answers()
        self._chats()
        self._documents()
        self._background()
        self._prompt_cache()
        self._backups()
        self._licenses()
        self._network()
        self._folders()
        self._about()
        self.column.rows.addStretch(1)

    def show_settings(self, settings: Settings) -> None:
        """Show what is in force where it was changed elsewhere."""
        self._settings = settings
        self._theme_choice.set_value(settings.theme)
        self._scale_choice.set_value(settings.text_scale)
        self._repetition.show_on(settings.stop_on_repetition)
        self._speculation.set_value(settings.speculation)
        self._context.set_value(settings.context_full)
        self.acceptance.show_settings(settings.acceptance)
        self.network.show_settings(settings)
        self.prompt_cache.show_settings(settings)
        self.backups.show_settings(settings)
        self.documents.show_settings(settings)
        self.background.show_settings(settings)

    def show_error(self, error: UserError) -> None:
        """A change could not be written."""
        if self._error is not None:
            self._error.deleteLater()
        self._error = ErrorBox(self.theme, error)
        self.column.rows.insertWidget(0, self._error)

    # --- sections ------------------------------------------------------------------------------------------------

    def _appearance(self) -> None:
        self._section(tr("Appearance"))
        themes = (("system", tr("As the system")), ("light", tr("Light")), ("dark", tr("Dark")))
        self._theme_choice = ChoiceButton(self.theme, tr("Theme"), themes, self._settings.theme)
        self._theme_choice.chosen.connect(lambda value: self.changed.emit({"theme": value}))
        self._row(tr("Theme"), "", self._theme_choice)
        scales = [(scale, f"{scale * 100:.0f} %") for scale in TEXT_SCALES]
        self._scale_choice = ChoiceButton(self.theme, tr("Text size"), scales, self._settings.text_scale)
        self._scale_choice.chosen.connect(lambda value: self.changed.emit({"text_scale": value}))
        self._row(tr("Text size"), tr("Of the system's font."), self._scale_choice)
        keys = ((True, tr("Enter sends")), (False, tr("Shift+Enter sends")))
        enter = ChoiceButton(self.theme, tr("Sending"), keys, self._settings.send_with_enter)
        enter.chosen.connect(lambda value: self.changed.emit({"send_with_enter": value}))
        self._row(tr("Sending"), tr("The other key breaks the line. Ctrl+Enter always sends."), enter)

    def _model(self) -> None:
        self._section(tr("Model"))
        context = tr("In tokens. More context takes more memory. A change loads the model again.")
        self._number("context_length", tr("Context length"), context, 256, 1_048_576)
        self._number("threads", tr("Threads"), tr("How many processor cores compute."), 1, 512)
        self._number("gpu_layers", tr("GPU layers"), tr("−1 for all of them, 0 for none."), -1, 1000)
        at_once = tr("How many conversations one model answers at the same time. A change loads the model again.")
        self._number("parallel_answers", tr("Answers at once"), at_once, 1, 16, empty=Settings().parallel_answers)
        memory = tr("In gigabytes, for all models that stay loaded together. Empty: three quarters of what is free.")
        self._number("model_memory", tr("Memory for models"), memory, 0, 10_000, unit=_GIGABYTE, whole=False)
        unload = tr("Minutes until a model that has nothing to do is unloaded. 0: never. Empty: 30.")
        self._number("unload_after", tr("Unload after"), unload, 0, 100_000)

    def _answers(self) -> None:
        self._section(tr("Answers"))
        told = tr("For all chats. A chat, its folder or its model may say otherwise: in the panel beside the chat.")
        self.column.rows.addWidget(Label(self.theme, told, size="small", color="muted", wrap=True))
        prompts = Button(self.theme, tr("Open"), name=tr("Open the library of prompts"))
        prompts.clicked.connect(self.prompts_asked)
        self._row(tr("Prompts"), tr("Texts that “/” puts into a message."), prompts)
        prompt = tr("What every conversation begins with. The built-in guide needs none.")
        box = TextBox(self.theme, tr("System prompt"), tr("None"), self._settings.system_prompt)
        box.committed.connect(lambda text: self.changed.emit({"system_prompt": text}))
        self.column.rows.addLayout(labelled_setting(self.theme, tr("System prompt"), prompt)[0])
        self.column.rows.addWidget(box)
        sampling = (
            ("temperature", tr("Temperature"), tr("0 always takes the likeliest token."), 0.0, 5.0, False),
            ("top_k", "Top-k", tr("Only the k likeliest tokens; 0 for all."), 0, 1_000_000, True),
            ("top_p", "Top-p", tr("Only the likeliest tokens that together reach p."), 0.0, 1.0, False),
            ("min_p", "Min-p", tr("Only tokens at least this likely, next to the likeliest."), 0.0, 1.0, False),
            ("repeat_penalty", tr("Repeat penalty"), tr("1 for none."), 0.5, 2.0, False),
            ("max_tokens", tr("Longest answer"), tr("In tokens."), 1, 1_048_576, True),
            ("seed", tr("Seed"), tr("The same seed gives the same answer."), 0, 4_294_967_295, True),
        )
        for field, name, hint, low, high, whole in sampling:
            self._number(field, name, hint, low, high, whole=whole, sampling=True)
        calls = tr("How many calls of tools one answer may make. Then it is given without any.")
        self._number("tool_calls", tr("Calls of tools"), calls, 1, 1000, empty=Settings().tool_calls)
        repeated = tr("One that says the same over and over is ended, and says so.")
        self._repetition = Toggle(self.theme, "", name=tr("End answers that only repeat"))
        self._repetition.show_on(self._settings.stop_on_repetition)
        self._repetition.clicked.connect(self._switch_repetition)
        self._row(tr("End answers that only repeat"), repeated, self._repetition)
        modes = (("auto", tr("Where it is quicker")), ("on", tr("Always")), ("off", tr("Never")))
        self._speculation = ChoiceButton(self.theme, tr("Guess ahead"), modes, self._settings.speculation)
        self._speculation.chosen.connect(lambda value: self.changed.emit({"speculation": value}))
        guessed = tr("What was said before is guessed and checked several words at a time; it never changes the text.")
        self._row(tr("Guess ahead"), guessed, self._speculation)

        full = tr("What happens to the oldest messages of a chat. Each chat can have its own choice.")
        name = tr("When the context is full")
        self._context = ChoiceButton(self.theme, name, context_choices(), self._settings.context_full)
        self._context.chosen.connect(lambda choice: self.changed.emit({"context_full": choice}))
        self._row(name, full, self._context)

    def _switch_repetition(self) -> None:
        self.changed.emit({"stop_on_repetition": not self._repetition.isChecked()})

    def _chats(self) -> None:
        self._section(tr("Chats"))
        taken = Button(self.theme, tr("Import…"), name=tr("Import chats"))
        taken.clicked.connect(self.import_asked)
        self._row(tr("Import chats"), tr("Those that another program exported, or Latchkey."), taken)

    def _documents(self) -> None:
        self._documents_heading = self._section(tr("Documents"))
        self.documents = DocumentsSection(self.theme, self._settings)
        self.documents.changed.connect(self.changed)
        self.column.rows.addWidget(self.documents)

    def show_documents(self) -> None:
        """Scroll to the settings of documents."""
        self._scroll_to(self._documents_heading)

    def _background(self) -> None:
        self._section(tr("In the background"))
        self.background = BackgroundSection(self.theme, self._settings)
        self.background.changed.connect(self.changed)
        self.column.rows.addWidget(self.background)

    def _prompt_cache(self) -> None:
        self._section(tr("Prompt cache"))
        self.prompt_cache = PromptCacheSection(self.theme, self._settings)
        self.prompt_cache.changed.connect(self.changed)
        self.column.rows.addWidget(self.prompt_cache)

    def _backups(self) -> None:
        self._section(tr("Backup"))
        self.backups = BackupSection(self.theme, self._settings, str(self._paths.log_file))
        self.backups.changed.connect(self.changed)
        self.column.rows.addWidget(self.backups)

    def _licenses(self) -> None:
        self._section(tr("Licenses"))
        self.acceptance = AcceptanceSection(self.theme, self._settings.acceptance)
        self.acceptance.changed.connect(self.changed)
        self.column.rows.addWidget(self.acceptance)

    def _network(self) -> None:
        self._network_heading = self._section(tr("Network"))
        self.network = NetworkSection(self.theme, self._settings)
        self.network.changed.connect(self.changed)
        self.column.rows.addWidget(self.network)

    def show_network(self) -> None:
        """Scroll to the settings of the network."""
        self._scroll_to(self._network_heading)

    def _scroll_to(self, heading: Label) -> None:
        self.column.rows.activate()
        self.column.verticalScrollBar().setValue(heading.y() - L)

    def _folders(self) -> None:
        self._section(tr("Folders"))
        folders = (
            (tr("Conversations"), self._paths.data),
            (tr("Models"), self._paths.models),
            (tr("Settings"), self._paths.config),
            (tr("Logs"), self._paths.logs),
        )
        for name, path in folders:
            opened = Button(self.theme, tr("Open"), name=tr("Open folder: {name}").format(name=name))
            opened.clicked.connect(lambda _=False, place=path: open_folder(place))
            copy = Button(self.theme, tr("Copy"), name=tr("Copy path: {name}").format(name=name))
            copy.clicked.connect(lambda _=False, place=path: QGuiApplication.clipboard().setText(str(place)))
            self._row(name, str(path), opened, copy)

    def _about(self) -> None:
        self._section(tr("About"))
        self.about = AboutSection(self.theme)
        self.column.rows.addWidget(self.about)

    # --- pieces --------------------------------------------------------------------------------------------------

    def _section(self, name: str) -> Label:
        rows = self.column.rows
        if rows.count():
            rows.addSpacing(S)
            rows.addWidget(Separator(self.theme))
            rows.addSpacing(XS)
        label = section_heading(self.theme, name)
        rows.addWidget(label)
        return label

    def _row(self, name: str, hint: str, *controls: QWidget) -> None:
        row, label = setting_row(self.theme, name, hint, *controls)
        self._hint.update(dict.fromkeys(controls, label))
        self.column.rows.addLayout(row)

    def _number(
        self,
        field: str,
        name: str,
        hint: str,
        low: float,
        high: float,
        *,
        whole: bool = True,
        sampling: bool = False,
        unit: int = 1,
        empty: float | None = None,
    ) -> None:
        """A setting that is a number, shown in units of `unit`. An empty field stands for `empty`."""
        held: Any = getattr(self._settings.sampling if sampling else self._settings, field)
        shown = held if held is None or unit == 1 else held / unit
        number = NumberField(self.theme, name, low, high, shown, whole=whole)

        def commit(value: float | None) -> None:
            self._say(number, hint)
            value = empty if value is None else value if unit == 1 else round(value * unit)
            if sampling:
                self.changed.emit({"sampling": msgspec.structs.replace(self._settings.sampling, **{field: value})})
            else:
                self.changed.emit({field: value})

        number.committed.connect(commit)
        number.refused.connect(lambda why: self._say(number, why))
        self._row(name, hint, number)

    def _say(self, control: QWidget, text: str) -> None:
        set_hint(self._hint[control], text)


class AcceptanceSection(QWidget):
    """Name, organization and purpose. Emits `changed` with the setting, as the page of settings does."""

    changed = Signal(dict)

    def __init__(self, theme: Theme, settings: AcceptanceSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.name = self._field(theme, tr("Name for licenses"), tr("Asked the first time"))
        self.organization = self._field(theme, tr("Organization for licenses"), tr("None"))
        purposes = [("", tr("Asked the first time"))]
        purposes += [(each, purpose_name(each)) for each in ("personal", "research", "commercial")]
        self.purpose = ChoiceButton(theme, tr("Purpose for licenses"), purposes, settings.purpose)
        self.name.editingFinished.connect(lambda: self._change(name=self.name.text()))
        self.organization.editingFinished.connect(lambda: self._change(organization=self.organization.text()))
        self.purpose.chosen.connect(lambda purpose: self._change(purpose=purpose))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(S)
        said = tr(
            "As you last accepted a license. One click accepts a license that restricts nothing with it; every other "
            "one asks anew."
        )
        column.addWidget(Label(theme, said, size="small", color="muted", wrap=True))
        rows = ((tr("Name"), self.name), (tr("Organization"), self.organization), (tr("Purpose"), self.purpose))
        for text, control in rows:
            column.addLayout(setting_row(theme, text, "", control)[0])
        self.show_settings(settings)

    def show_settings(self, settings: AcceptanceSettings) -> None:
        """Show what is remembered now."""
        self._settings = settings
        for field, text in ((self.name, settings.name), (self.organization, settings.organization)):
            if not field.hasFocus():
                field.setText(text)
        self.purpose.set_value(settings.purpose)

    def _change(self, **changes: Any) -> None:
        changed = msgspec.structs.replace(self._settings, **changes)
        if changed != self._settings:
            self._settings = changed
            self.changed.emit({"acceptance": changed})

    def _field(self, theme: Theme, name: str, placeholder: str) -> Field:
        field = Field(theme, placeholder, name)
        field.setMaxLength(_FIELD_MAX_LENGTH)
        field.setFixedWidth(field.fontMetrics().averageCharWidth() * _FIELD_CHARACTERS)
        return field
