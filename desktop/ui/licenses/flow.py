"""What leads from page to page at the license desk: a license is read, accepted, revoked, compared, exported.

Everything that reads or writes files is done in the pool; the pages only draw values and pass on what is pressed.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTime, Signal

from desktop.background import Background
from desktop.credentials.keeper import LockedError
from desktop.errors import LicenseError, UserError
from desktop.licenses.desk import Acceptance
from desktop.translation import tr
from desktop.ui.licenses.choice import ModelChoice
from desktop.ui.licenses.comparing import Comparing
from desktop.ui.licenses.content import Form, LedgerView, StepContent, Waiting
from desktop.ui.licenses.exporting import Exporting
from desktop.ui.licenses.one_click import Back, OneClick
from desktop.ui.licenses.refusals import refusal_words
from desktop.ui.models.way import notes_of
from desktop.ui.models.words import State

if TYPE_CHECKING:
    from desktop.library.assembly import Assembly
    from desktop.library.models import Card
    from desktop.library.task_choice import TaskChoice
    from desktop.licenses.record import Record
    from desktop.ui.licenses.gather import Gatherer
    from desktop.ui.window import MainWindow


class LicenseFlow(QObject):
    """Between the pages of `window` and the desk of `assembly`. `choice` is told where a model may be used now.

    `listed` carries the cards that the page of models shows now.
    """

    listed = Signal(object)

    def __init__(
        self,
        window: "MainWindow",
        background: Background,
        assembly: "Assembly",
        gather: "Gatherer",
        choice: ModelChoice,
    ) -> None:
        super().__init__()
        self._window, self._pages, self._background = window, window.pages, background
        self._assembly, self._gather, self._choice = assembly, gather, choice
        self._desk = assembly.desk
        self._forms: dict[str, Form] = {}
        self._back: Back = ""
        self._closed = False
        self._listings = self._views = self._steps = 0
        self._exporting = Exporting(window, background, assembly)
        self.one_click = OneClick(window, background, assembly.desk, gather, self._accepted_at_once, self._fail)
        self._comparing = Comparing(window, background, gather, self.open_step, self._fail)
        assembly.door.recorder.on_unrecorded = lambda error: background.post(lambda: self._unrecorded(error))
        choice.judged.connect(self._judged)
        window.refusal_words = lambda error: refusal_words(
            error, choice.card, self.open_step, lambda: window.show_page("licenses")
        )
        self._pages.page_shown.connect(self._shown)
        self._pages.built.connect(self._connect)
        for name in self._pages.built_pages:
            self._connect(name)
        empty = window.chat_page.empty
        empty.license_asked.connect(lambda model, license_: self.open_step(model, license_))
        empty.accept_asked.connect(self.one_click.accept)

    def _connect(self, name: str) -> None:
        """Listen to a page that was just built."""
        pages = self._pages
        if name == "models":
            page = pages.models
            page.license_asked.connect(lambda model, license_: self.open_step(model, license_, back="models"))
            page.detail.accept_asked.connect(
                lambda model, licenses, shown: self.one_click.accept(model, licenses, shown, back="models")
            )
            page.difference_asked.connect(lambda model, license_: self._open_changes(model, license_, "models"))
            page.revoke_asked.connect(self.revoke)
            page.link_asked.connect(self._window.ask_link)
            page.licenses_asked.connect(lambda: self._window.show_page("licenses"))
        elif name == "licenses":
            licenses = pages.licenses
            licenses.read_asked.connect(self._read)
            licenses.revoke_asked.connect(lambda record: self.revoke(record.model, record.model_name))
            licenses.waiting_asked.connect(self._wait)
            licenses.verify_asked.connect(lambda: self._look(anew=True))
            licenses.export_asked.connect(self._exporting.ask)
            licenses.unlocked.connect(self._try_again)
            licenses.segment_asked.connect(self._begin_segment)
        elif name == "license":
            step = pages.license
            step.accepted.connect(self._accept)
            step.declined.connect(self._decline)
            step.left.connect(self._leave)
            step.again_asked.connect(self._again)
            step.difference_asked.connect(self._open_standard)
        elif name == "difference":
            pages.difference.read_asked.connect(self._comparing.read)
            pages.difference.left.connect(self._comparing.leave)

    def refresh(self) -> None:
        """Something was accepted or revoked, here or by another process: look again at all that is shown."""
        if not self._closed:
            self._choice.refresh()

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True
        self._comparing.close()

    def _judged(self) -> None:
        """The choice looked again; so does the page that is shown. The others will, once they are."""
        if self._pages.shown == "models":
            self._list()
        elif self._pages.shown == "licenses":
            self._look(anew=False)

    def _shown(self, page: str) -> None:
        if page == "models":
            self._list()
        elif page == "licenses":
            self._look(anew=True)
        if page != "license":
            self._keep_form()

    # --- pages that list -----------------------------------------------------------------------------------------

    def _list(self) -> None:
        self._listings += 1
        mine = self._listings

        def work() -> "tuple[list[Card], Mapping[str, State], Mapping[str, TaskChoice]]":
            cards, getting = self._gather.cards(), self._assembly.getting
            return cards, notes_of(cards, getting.machine), getting.task_choices(cards)

        def listed(result: "tuple[list[Card], Mapping[str, State], Mapping[str, TaskChoice]]") -> None:
            if mine == self._listings and not self._closed:
                cards, notes, choices = result
                model = self._choice.model
                in_use = model.id if model is not None else None
                self._pages.models.detail.remembered = self._window.settings.acceptance
                self._pages.models.show_cards(cards, in_use, self._assembly.library.problems, notes, choices)
                self.listed.emit(cards)

        self._background.pool(work, listed, self._on_page(self._not_listed))

    def _not_listed(self, error: UserError) -> None:
        told = self._window.refusal_words(error) if isinstance(error, LockedError) else None
        self._pages.models.show_error(*(told or (error,)))

    def _look(self, *, anew: bool) -> None:
        self._views += 1
        mine = self._views
        self._pages.licenses.show_busy()

        def gathered(view: LedgerView) -> None:
            if mine == self._views and not self._closed:
                self._pages.licenses.show_view(view, QTime.currentTime().toString("HH:mm"))

        self._background.pool(
            lambda: self._gather.ledger_view(self._gather.cards(), anew=anew),
            gathered,
            self._on_page(lambda error: self._pages.licenses.show_error(error)),
        )

    def _try_again(self) -> None:
        """The keyring opens now, the person says."""
        self._desk.try_again()
        self._pages.licenses.notices.clear()
        self._look(anew=True)
        self._choice.refresh()

    def _begin_segment(self) -> None:
        """The ledger goes on without the keyring."""

        def begun(record: "Record") -> None:
            if not self._closed:
                text = tr("Record {seq} begins a new segment of the ledger. Accept again what you use.")
                self._pages.licenses.notices.show_done(text.format(seq=record.seq))
                self.refresh()

        self._pages.licenses.notices.show_working(tr("Beginning a new segment of the ledger…"))
        self._background.pool(self._desk.begin_segment, begun, self._fail)

    def _on_page(self, show: Callable[[UserError], None]) -> Callable[[UserError], None]:
        return lambda error: None if self._closed else show(error)

    def _fail(self, error: UserError) -> None:
        """Say what went wrong where the person is."""
        if self._closed:
            return
        if self._pages.shown == "licenses":
            self._pages.licenses.notices.show_error(error)
        elif self._pages.shown == "models":
            self._pages.models.show_problem(error)
        else:
            self._window.chat_page.show_problem(error)
            self._window.show_page("")

    # --- the license step ----------------------------------------------------------------------------------------

    def open_step(self, model_id: str, license_id: str = "", *, back: Back = "", again: bool = False) -> None:
        """Show a license of a model, to be accepted or to be read; afterwards go back to the page `back`."""
        self._steps += 1
        mine = self._steps
        self._comparing.forget()

        def show(content: StepContent) -> None:
            if mine == self._steps and not self._closed:
                self._back = back
                self._show_step(content, self._forms.get(model_id) or self.one_click.proposed(content))

        self._background.pool(lambda: self._gather.step(model_id, license_id, again=again), show, self._fail)

    def open_step_from_models(self, model_id: str) -> None:
        """The next license of a model that was chosen among the models."""
        self.open_step(model_id, back="models")

    def _show_step(self, content: StepContent, form: Form) -> None:
        self._pages.license.show_content(content, form, self._back)
        self._window.show_page("license")
        self._window.sidebar.show_page(self._back)

    def _read(self, record: "Record") -> None:
        """Show the text that was accepted, as it was."""
        self._steps += 1
        mine = self._steps
        self._comparing.forget()

        def show(content: StepContent) -> None:
            if mine == self._steps and not self._closed:
                self._back = "licenses"
                self._show_step(content, Form())

        self._background.pool(lambda: self._gather.accepted(record), show, self._fail)

    def _again(self) -> None:
        content = self._pages.license.content
        if content is not None:
            self.open_step(content.subject.id, content.needed.id, back=self._back, again=True)

    def _accept(self, form: Form) -> None:
        page = self._pages.license
        content = page.content
        if content is None or not form.purpose:
            return
        page.form.set_busy(True)
        subject, needed = content.subject, content.needed
        organization = form.organization if form.organization.strip() else ""
        acceptance = Acceptance(form.person, form.purpose, organization)

        def accept() -> "StepContent | LicenseError | None":
            """The license of the model that follows, None after the last; an error where the text is another now."""
            try:
                self._desk.accept(subject, needed.id, content.sha256, acceptance)
            except LicenseError as error:
                if self._desk.text(needed.id, subject.id).sha256 != content.sha256:
                    return error
                raise
            verdict = self._gather.card(subject.id).verdict
            return self._gather.step(subject.id, verdict.license) if verdict.refusal == "license" else None

        def accepted(following: "StepContent | LicenseError | None") -> None:
            if self._closed:
                return
            if not isinstance(following, LicenseError):
                self.one_click.remember(acceptance)
            page.form.set_busy(False)
            if isinstance(following, LicenseError):
                reload = lambda: self._show_new_text(subject.id, needed.id, page.form.form)  # noqa: E731
                page.show_error(following, (tr("Show the text in force"), reload))
            elif following is not None:
                self._forms[subject.id] = form
                self._show_step(following, form)
                page.say(tr("Accepted. The next license follows: {name}.").format(name=following.needed.name))
            else:
                self._done(content)

        self._background.pool(accept, accepted, self._on_page(page.show_error))

    def _accepted_at_once(self, model_id: str, back: Back, done: bool) -> None:
        if self._closed:
            return
        if not done:
            self.open_step(model_id, back=back)
        elif back == "":
            self._choice.choose(model_id)
        else:
            self._choice.refresh()

    def _unrecorded(self, error: UserError) -> None:
        """The built-in model answers, and its load is not in the ledger."""
        if not self._closed:
            page = self._window.chat_page
            page.show_problem(error, (tr("Close"), lambda: page.show_problem(None)))

    def _show_new_text(self, model_id: str, license_id: str, form: Form) -> None:
        self._forms[model_id] = form
        self.open_step(model_id, license_id, back=self._back)

    def _done(self, content: StepContent) -> None:
        """The last license of a model was accepted."""
        model_id = content.subject.id
        self._forms.pop(model_id, None)
        self._pages.license.forget()
        self._window.show_page(self._back)
        said = tr("Accepted: {name}. It is recorded in your ledger.").format(name=content.subject.name)
        self._pages.license.say(said)
        if self._back == "":
            self._choice.choose(model_id)
        else:
            self._choice.refresh()

    def _decline(self) -> None:
        content = self._pages.license.content
        if content is not None:
            self._forms.pop(content.subject.id, None)
        self._pages.license.forget()
        self._window.show_page(self._back)

    def _leave(self) -> None:
        self._window.show_page(self._back)

    def _keep_form(self) -> None:
        """What is typed in a license step that was left undecided is there again when it is opened again."""
        content = self._pages.license.content if "license" in self._pages.built_pages else None
        if content is not None and content.to_accept:
            self._forms[content.subject.id] = self._pages.license.form.form

    # --- the difference ------------------------------------------------------------------------------------------

    def _open_changes(self, model_id: str, license_id: str, back: Back) -> None:
        self._steps += 1  # a step that is still being read is not shown any more
        self._comparing.open_changes(model_id, license_id, back=back)

    def _open_standard(self) -> None:
        content = self._pages.license.content
        if content is not None:
            self._steps += 1
            self._comparing.open_standard(content, back=self._back)

    def _wait(self, row: Waiting) -> None:
        if row.changed:
            self._open_changes(row.model_id, row.license_id, "licenses")
        else:
            self.open_step(row.model_id, row.license_id, back="licenses")

    # --- revoking -------------------------------------------------------------------------------------

    def revoke(self, model_id: str, name: str = "") -> None:
        """Take back what was accepted for a model. It is unloaded; accepting again undoes it."""

        def revoke() -> bool:
            """Whether it goes on answering, as the built-in model does."""
            self._desk.revoke(model_id, name)
            try:
                return self._assembly.library.listed_one(model_id).subject.built_in
            except UserError:  # it is not here any more
                return False

        def revoked(part: bool) -> None:
            if self._closed:
                return
            if self._pages.shown == "licenses":
                text = tr("Revoked for {model}. The model is unloaded; accepting again undoes this.")
                if part:
                    text = tr("Revoked for {model}. It is a part of Latchkey and goes on answering.")
                again = (tr("Read and accept again…"), lambda: self.open_step(model_id, back="licenses"))
                self._pages.licenses.notices.show_done(text.format(model=name or model_id), again)
            self.refresh()

        self._background.pool(revoke, revoked, self._fail)
