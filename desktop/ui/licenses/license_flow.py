"""What leads from page to page on the license pages: a license is read, accepted, revoked, compared, exported.

Everything that reads or writes files is done in the pool; the pages only draw values and pass on what is pressed.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTime, Signal

from desktop.background import Background
from desktop.credentials.ledger_key_store import LedgerKeyLockedError
from desktop.errors import LicenseError, UserError
from desktop.licenses.acknowledgements import Acceptance
from desktop.translation import tr
from desktop.ui.licenses.difference_flow import DifferenceFlow
from desktop.ui.licenses.ledger_exporter import LedgerExporter
from desktop.ui.licenses.license_page_values import AcceptanceInput, LedgerContent, LicenseStepContent, WaitingLicense
from desktop.ui.licenses.one_click_acceptance import Back, OneClickAcceptance
from desktop.ui.licenses.refusal_text import refusal_with_action
from desktop.ui.models.fit_text import fit_labels
from desktop.ui.models.model_selection import ModelSelection
from desktop.ui.models.model_text import StatusLabel

if TYPE_CHECKING:
    from desktop.library.library_model import LibraryCard
    from desktop.library.library_services import LibraryServices
    from desktop.library.recommendations import TaskRecommendation
    from desktop.licenses.ledger_record import LedgerRecord
    from desktop.ui.licenses.license_page_loader import LicensePageLoader
    from desktop.ui.window.main_window import MainWindow


class LicenseFlow(QObject):
    """Between the pages of `window` and the acknowledgements of `assembly`. `choice` is told where a model may be used
    now.

    `listed` carries the cards that the page of models shows now.
    """

    listed = Signal(object)

    def __init__(
        self,
        window: "MainWindow",
        background: Background,
        assembly: "LibraryServices",
        gather: "LicensePageLoader",
        choice: ModelSelection,
    ) -> None:
        super().__init__()
        self._window, self._pages, self._background = window, window.pages, background
        self._assembly, self._gather, self._choice = assembly, gather, choice
        self._acknowledgements = assembly.acknowledgements
        self._forms: dict[str, AcceptanceInput] = {}
        self._back: Back = ""
        self._closed = False
        self._listings = self._views = self._steps = 0
        self._exporting = LedgerExporter(window, background, assembly)
        self.one_click = OneClickAcceptance(
            window, background, assembly.acknowledgements, assembly.library, self._accepted_at_once, self._fail
        )
        self._comparing = DifferenceFlow(window, background, gather, self.open_step, self._fail)
        assembly.license_check.recorder.on_unrecorded = lambda error: background.post(lambda: self._unrecorded(error))
        choice.checked.connect(self._judged)
        window.refusal_words = lambda error: refusal_with_action(
            error, choice.card, self.open_step, lambda: window.show_page("licenses")
        )
        self._pages.page_shown.connect(self._shown)
        self._pages.page_built.connect(self._connect)
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

        def work() -> "tuple[list[LibraryCard], Mapping[str, StatusLabel], Mapping[str, TaskRecommendation]]":
            cards, getting = self._assembly.library.cards(), self._assembly.lookup
            return cards, fit_labels(cards, getting.machine), getting.task_recommendations(cards)

        def listed(
            result: "tuple[list[LibraryCard], Mapping[str, StatusLabel], Mapping[str, TaskRecommendation]]",
        ) -> None:
            if mine == self._listings and not self._closed:
                cards, notes, choices = result
                model = self._choice.model
                in_use = model.id if model is not None else None
                self._pages.models.detail.remembered = self._window.settings.acceptance
                self._pages.models.show_cards(cards, in_use, self._assembly.library.problems, notes, choices)
                self.listed.emit(cards)

        self._background.pool(work, listed, self._on_page(self._not_listed))

    def _not_listed(self, error: UserError) -> None:
        told = self._window.refusal_words(error) if isinstance(error, LedgerKeyLockedError) else None
        self._pages.models.show_error(*(told or (error,)))

    def _look(self, *, anew: bool) -> None:
        self._views += 1
        mine = self._views
        self._pages.licenses.show_busy()

        def gathered(view: LedgerContent) -> None:
            if mine == self._views and not self._closed:
                self._pages.licenses.show_view(view, QTime.currentTime().toString("HH:mm"))

        self._background.pool(
            lambda: self._gather.ledger_view(self._assembly.library.cards(), anew=anew),
            gathered,
            self._on_page(lambda error: self._pages.licenses.show_error(error)),
        )

    def _try_again(self) -> None:
        """The keyring opens now, the person says."""
        self._acknowledgements.try_again()
        self._pages.licenses.notices.clear()
        self._look(anew=True)
        self._choice.refresh()

    def _begin_segment(self) -> None:
        """The ledger goes on without the keyring."""

        def begun(record: "LedgerRecord") -> None:
            if not self._closed:
                text = tr("Record {seq} begins a new segment of the ledger. Accept again what you use.")
                self._pages.licenses.notices.show_done(text.format(seq=record.seq))
                self.refresh()

        self._pages.licenses.notices.show_working(tr("Beginning a new segment of the ledger…"))
        self._background.pool(self._acknowledgements.begin_segment, begun, self._fail)

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

        def show(content: LicenseStepContent) -> None:
            if mine == self._steps and not self._closed:
                self._back = back
                self._show_step(content, self._forms.get(model_id) or self.one_click.proposed(content))

        self._background.pool(lambda: self._gather.step(model_id, license_id, again=again), show, self._fail)

    def open_step_from_models(self, model_id: str) -> None:
        """The next license of a model that was chosen among the models."""
        self.open_step(model_id, back="models")

    def _show_step(self, content: LicenseStepContent, form: AcceptanceInput) -> None:
        self._pages.license.show_content(content, form, self._back)
        self._window.show_page("license")
        self._window.sidebar.show_page(self._back)

    def _read(self, record: "LedgerRecord") -> None:
        """Show the text that was accepted, as it was."""
        self._steps += 1
        mine = self._steps
        self._comparing.forget()

        def show(content: LicenseStepContent) -> None:
            if mine == self._steps and not self._closed:
                self._back = "licenses"
                self._show_step(content, AcceptanceInput())

        self._background.pool(lambda: self._gather.accepted(record), show, self._fail)

    def _again(self) -> None:
        content = self._pages.license.content
        if content is not None:
            self.open_step(content.subject.id, content.needed.id, back=self._back, again=True)

    def _accept(self, form: AcceptanceInput) -> None:
        page = self._pages.license
        content = page.content
        if content is None or not form.purpose:
            return
        page.form.set_busy(True)
        subject, needed = content.subject, content.needed
        organization = form.organization if form.organization.strip() else ""
        acceptance = Acceptance(form.person, form.purpose, organization)

        def accept() -> "LicenseStepContent | LicenseError | None":
            """The license of the model that follows, None after the last; an error where the text is another now."""
            try:
                self._acknowledgements.accept(subject, needed.id, content.sha256, acceptance)
            except LicenseError as error:
                if self._acknowledgements.text(needed.id, subject.id).sha256 != content.sha256:
                    return error
                raise
            verdict = self._assembly.library.card(subject.id).verdict
            return self._gather.step(subject.id, verdict.license) if verdict.refusal == "license" else None

        def accepted(following: "LicenseStepContent | LicenseError | None") -> None:
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

    def _show_new_text(self, model_id: str, license_id: str, form: AcceptanceInput) -> None:
        self._forms[model_id] = form
        self.open_step(model_id, license_id, back=self._back)

    def _done(self, content: LicenseStepContent) -> None:
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

    def _wait(self, row: WaitingLicense) -> None:
        if row.changed:
            self._open_changes(row.model_id, row.license_id, "licenses")
        else:
            self.open_step(row.model_id, row.license_id, back="licenses")

    # --- revoking -------------------------------------------------------------------------------------

    def revoke(self, model_id: str, name: str = "") -> None:
        """Take back what was accepted for a model. It is unloaded; accepting again undoes it."""

        def revoke() -> bool:
            """Whether it goes on answering, as the built-in model does."""
            self._acknowledgements.revoke(model_id, name)
            try:
                return self._assembly.library.find_listed(model_id).subject.built_in
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
