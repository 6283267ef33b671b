"""The flow of the library of prompts: between its file, the composer and the page of prompts."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop.background import Background
from desktop.chat.chat_events import ChatEvent, ConversationOpened
from desktop.chat.prompt_folder import add_prompts, read_prompts, write_prompts
from desktop.chat.prompt_library import Prompt, PromptLibrary
from desktop.errors import UserError
from desktop.translation import tr, trn
from desktop.ui.navigator import Navigator
from desktop.ui.parts.notification_bar import NotificationBar
from desktop.ui.parts.plain_text_edit import PlainTextEdit
from desktop.ui.prompts.prompt_insertion import PromptInsertion
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.ui.prompts.prompts_page import PromptsPage

_Read = tuple[Any, dict[str, Prompt], frozenset[str], int]


class PromptFlow(QObject):
    """`page` is the conversation's page, `composer` the box in it and `edit` the text in that."""

    def __init__(
        self,
        window: Navigator,
        theme: Theme,
        background: Background,
        library: PromptLibrary,
        news: NotificationBar,
        *,
        page: QWidget,
        composer: QWidget,
        edit: PlainTextEdit,
    ) -> None:
        super().__init__()
        self._window, self._background, self._library, self._news = window, background, library, news
        self._closed = False
        self._open = ""
        self.prompts: dict[str, Prompt] = {}
        self._own: frozenset[str] = frozenset()
        self._removed = 0
        self.insertion = PromptInsertion(theme, page, composer, edit, lambda: self.prompts)
        self.insertion.manage_asked.connect(lambda: window.show_page("prompts"))
        self.insertion.begun.connect(self.refresh)
        window.when_built("prompts", self._connect)

    def take_event(self, event: ChatEvent) -> None:
        """The chat session told something: in another conversation nothing is filled in any more."""
        if isinstance(event, ConversationOpened) and event.conversation.id != self._open:
            self._open = event.conversation.id
            self.insertion.leave()

    def refresh(self) -> None:
        """Read the library; another window or the command may have changed it."""
        self._with_library(lambda: None)

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True

    def _connect(self, page: "PromptsPage") -> None:
        page.save_asked.connect(self._save)
        page.delete_asked.connect(self._delete)
        page.restore_asked.connect(lambda: self._with_library(self._library.restore_built_in))
        page.import_asked.connect(self._import)
        page.export_asked.connect(self._export)
        page.show_prompts(self.prompts, self._own, self._removed)
        self.refresh()

    @property
    def _page(self) -> "PromptsPage | None":
        return self._window.page("prompts") if self._window.is_built("prompts") else None

    def _with_library(self, work: Callable[[], Any], then: Callable[[Any], None] | None = None) -> None:
        """Do `work` with the library's file, in the thread of the database, and show the library as it is then."""

        def done() -> _Read:
            result = work()
            own, removed = frozenset(self._library.own_names()), len(self._library.removed_names())
            return result, self._library.prompts(), own, removed

        def show(read: _Read) -> None:
            if self._closed:
                return
            result, self.prompts, self._own, self._removed = read
            if then is not None:
                then(result)
            page = self._page
            if page is not None:
                page.show_prompts(self.prompts, self._own, self._removed)
                if self._library.problem:
                    page.show_error(UserError(tr("Some prompts were not used."), self._library.problem))
            self.insertion.refresh()

        self._background.database(done, show, self._failed)

    def _failed(self, error: UserError) -> None:
        page = self._page
        if not self._closed and page is not None:
            page.show_error(error)

    # --- what the person does ------------------------------------------------------------------------------------

    def _save(self, before: str, name: str, about: str, text: str) -> None:
        def saved(_: object) -> None:
            page = self._page
            if page is not None:
                page.finish_editing()

        def save() -> None:
            if not before and name in self._library.prompts():
                raise UserError(
                    tr("There is a prompt {name} already.").format(name=name),
                    tr("It was not changed."),
                    tr("Choose another name, or edit that one."),
                )
            self._library.set(name, Prompt(text, about), before)

        self._with_library(save, saved)

    def _delete(self, name: str) -> None:
        def deleted(stored: object) -> None:
            undo = (tr("Undo"), lambda: self._with_library(lambda: self._library.restore(name, stored)))
            self._news.notify(tr("The prompt “{name}” was deleted.").format(name=name), undo)

        self._with_library(lambda: self._library.remove(name), deleted)

    def _export(self) -> None:
        folder = self._folder(tr("Write the prompts into a folder"))
        if folder is None:
            return

        def written(count: int) -> None:
            said = trn("One prompt was written to {folder}.", "{count} prompts were written to {folder}.", count)
            self._news.notify(said.format(count=count, folder=folder))

        self._with_library(lambda: write_prompts(folder, self._library.prompts()), written)

    def _import(self) -> None:
        folder = self._folder(tr("Add prompts from a folder of Markdown files"))
        if folder is None:
            return

        def take() -> tuple[int, dict[str, str]]:
            read = read_prompts(folder)
            return len(add_prompts(self._library, read)), read.skipped

        def taken(result: tuple[int, dict[str, str]]) -> None:
            count, skipped = result
            said = trn("One prompt was added.", "{count} prompts were added.", count).format(count=count)
            left = [tr("{name} was left out: {why}.").format(name=name, why=why) for name, why in skipped.items()]
            self._news.notify(" ".join([said, *left[:3]]))

        self._with_library(take, taken)

    def _folder(self, title: str) -> Path | None:
        chosen = QFileDialog.getExistingDirectory(self._window.dialog_parent, title)
        return Path(chosen) if chosen else None
