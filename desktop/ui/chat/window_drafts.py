"""Drafts that several windows of the program share: what is typed in one is there in the others, and none undoes what
another one saved."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Protocol

from desktop.ui.chat.composer_drafts import NEW, ComposerDrafts, is_queue_key

if TYPE_CHECKING:
    from desktop.errors import UserError
    from desktop.ui.chat.composer import Composer

_LONGEST_FOLLOWED = 100_000  # characters: more would be felt at each pause of typing in the other window
_NEW_IN_OTHERS = "new-window-"
"""Begins the keys of what was typed in a conversation that does not exist yet, in every window but the first."""


class DraftPage(Protocol):
    """A page with a composer, and the conversation that it is for."""

    composer: "Composer"

    @property
    def conversation_id(self) -> str | None: ...


class WindowDrafts:
    """The drafts as one window knows them. `place` counts the windows from 0.

    What it was not typed into stays as the other windows have it. Where the same draft was changed in two windows at
    once, both texts are kept, one under the other.
    """

    def __init__(self, shared: "SharedDrafts", place: int) -> None:
        self.place = place
        self._shared = shared
        self._seen: dict[str, str] = {}
        self._temporary: dict[str, str] | None = None
        self._temporary_ids: set[str] = set()
        self._follow: Callable[[str, str, str], None] = lambda key, before, text: None

    def follow(self, show: Callable[[str, str, str], None]) -> None:
        """Call `show` with the key of a draft that another window changed, what stands here in its place, and what it
        is now."""
        self._follow = show

    def get(self, conversation_id: str) -> str:
        """The draft of a conversation, "" where there is none."""
        if self._temporary is not None and self._is_temporary(conversation_id):
            return self._temporary.get(conversation_id, "")
        text = self._shared.drafts.get(self._key(conversation_id))
        self._seen[conversation_id] = text
        return text

    def set(self, conversation_id: str, text: str) -> None:
        """Remember `text`; "" forgets the draft. Nothing where it is what was there before."""
        if self._temporary is not None and self._is_temporary(conversation_id):
            self._temporary[conversation_id] = text
            return
        if is_queue_key(conversation_id):
            self._shared.drafts.set(conversation_id, text)  # no text of a person's alone: it is never joined
            return
        key, before = self._key(conversation_id), self._seen.get(conversation_id, "")
        now = self._shared.drafts.get(key)
        if text == before:
            return
        if now not in (before, text, ""):
            if not text:
                return  # it was sent, or cleared; what another window has meanwhile was not
            typed, text = text, f"{now}\n\n{text}"
            self._follow(conversation_id, typed, text)
        self._seen[conversation_id] = text
        self._shared.drafts.set(key, text)
        self._shared.tell(self, key, text)

    def take(self, key: str, text: str) -> None:
        """Another window made this of a draft."""
        before = self._seen.get(key, "")
        if self._temporary is None and not key.startswith(_NEW_IN_OTHERS) and key != NEW:
            self._follow(key, before, text)

    def note_shown(self, conversation_id: str, text: str) -> None:
        """The window shows `text` as what another one made of a draft."""
        self._seen[conversation_id] = text

    def set_deleted(self, keys: Collection[str], deleted: bool) -> None:
        """Leave the drafts of deleted conversations out of the file."""
        self._shared.drafts.set_deleted(keys, deleted)

    def erase(self, conversation_ids: Collection[str]) -> None:
        """Forget what was typed in conversations that are gone for good, in the file too."""
        self._shared.drafts.erase(conversation_ids)
        for key in [key for key in self._seen if key.partition("/")[0] in conversation_ids]:
            del self._seen[key]

    def save(self) -> None:
        """Write the file where something changed. Raises ResourceError where that fails."""
        self._shared.drafts.save()

    def save_soon(self, failed: Callable[["UserError"], None]) -> None:
        """As `save`, off the main thread; `failed` gets the error, where the window is still open."""
        self._shared.drafts.save_soon(lambda error: failed(error) if self._shared.has_view(self) else None)

    # --- a temporary chat ----------------------------------------------------------------------------------------

    def begin_temporary(self) -> None:
        """From now on what is typed is remembered here alone, and never written: all of it until `note_temporary`."""
        self._temporary, self._temporary_ids = {}, set()

    def note_temporary(self, conversation_id: str) -> None:
        """This conversation is shown, and is a temporary one. The drafts of those that are not are kept as ever: the
        text of a message that could not be sent may still come back to one."""
        self._temporary_ids.add(conversation_id)

    def _is_temporary(self, key: str) -> bool:
        return not self._temporary_ids or key == NEW or key.partition("/")[0] in self._temporary_ids

    def end_temporary(self) -> None:
        """Forget that, and go on as before."""
        self._temporary, self._temporary_ids = None, set()

    def _key(self, conversation_id: str) -> str:
        return f"{_NEW_IN_OTHERS}{self.place}" if conversation_id == NEW and self.place else conversation_id


class DraftFollower:
    """Shows on `page` what another window made of the draft that is there, but not in place of what was typed here."""

    def __init__(self, page: "DraftPage", drafts: WindowDrafts) -> None:
        self._page, self._drafts = page, drafts

    def show(self, conversation_id: str, before: str, text: str) -> None:
        """A draft that was `before` is `text` now."""
        composer = self._page.composer
        here = conversation_id == self._page.conversation_id and not composer.editing
        if here and composer.text == before and len(text) <= _LONGEST_FOLLOWED:
            self._drafts.note_shown(conversation_id, text)
            composer.set_text(text)


class SharedDrafts:
    """`drafts` with its views, one for each window. What was typed into a new conversation of a second window in an
    earlier run is found in the first one."""

    def __init__(self, drafts: ComposerDrafts) -> None:
        self.drafts = drafts
        self._views: list[WindowDrafts] = []
        left = [key for key in drafts.keys if key.startswith(_NEW_IN_OTHERS)]
        texts = [drafts.get(NEW), *(drafts.get(key) for key in sorted(left))]
        if left:
            drafts.set(NEW, "\n\n".join(filter(None, texts)))
            for key in left:
                drafts.set(key, "")

    def open_view(self) -> WindowDrafts:
        """The view of one more window."""
        taken = {view.place for view in self._views}
        view = WindowDrafts(self, next(place for place in range(len(taken) + 1) if place not in taken))
        self._views.append(view)
        return view

    def close_view(self, view: WindowDrafts) -> None:
        """Its window was closed."""
        if view in self._views:
            self._views.remove(view)

    def has_view(self, view: WindowDrafts) -> bool:
        """Whether its window is open."""
        return view in self._views

    def tell(self, by: WindowDrafts, key: str, text: str) -> None:
        """`by` made `text` of a draft."""
        for view in self._views:
            if view is not by:
                view.take(key, text)
