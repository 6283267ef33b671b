"""The flow of the license pages: connects license step and Licenses page with `Acknowledgements` (accept, revoke,
export).

Everything that reads or writes files is done in the pool; the pages only draw values and pass on what is pressed.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, QTime, Signal

from desktop.background import Background
from desktop.errors import LicenseError, UserError
from desktop.licenses.acknowledgements import Acceptance
from desktop.translation import tr
from desktop.ui.licenses.difference_flow import DifferenceFlow
from desktop.ui.licenses.ledger_exporter import LedgerExporter
from desktop.ui.licenses.license_page_values import AcceptanceInput, LedgerContent, LicenseStepContent, WaitingLicense
from desktop.ui.licenses.one_click_acceptance import Back, OneClickAcceptance

if TYPE_CHECKING:
    from PySide6.QtCore import SignalInstance

    from desktop.library.library_services import LibraryServices
    from desktop.licenses.ledger_record import LedgerRecord
    from desktop.ui.licenses.difference_page import DifferencePage
    from desktop.ui.licenses.license_page_loader import LicensePageLoader
    from desktop.ui.licenses.license_step import LicenseStep
    from desktop.ui.licenses.licenses_page import LicensesPage
    from desktop.ui.navigator import Navigator


class SelectedModel(Protocol):
    """Which model answers: `checked` is emitted once it was checked whether it may."""

    @property
    def checked(self) -> "SignalInstance": ...

    def choose(self, model_id: str) -> None:
        """Answer with this model from now on, where its licenses allow that."""

    def refresh(self) -> None:
        """Check again whether it may answer."""


class LicenseFlow(QObject):
    """Between the license pages and the ledger in `assembly`. `choice.refresh` is called when the answer may have
    changed.

    `failed_in_models` carries why something could not be done that was asked for on the page of models.
    """

    failed_in_models = Signal(object)

    def __init__(
        self,
        navigator: "Navigator",
        background: Background,
        assembly: "LibraryServices",
        gather: "LicensePageLoader",
        choice: SelectedModel,
    ) -> None:
        super().__init__()
        self._navigator, self._background = navigator, background
        self._assembly, self._gather, self._choice = assembly, gather, choice
        self._acknowledgements = assembly.acknowledgements
        self._forms: dict[str, AcceptanceInput] = {}
        self._back: Back = ""
        self._closed = False
        self._views = self._steps = 0
        self._exporting = LedgerExporter(navigator, background, assembly)
        self.one_click = OneClickAcceptance(
            navigator, background, assembly.acknowledgements, assembly.library, self._accepted_at_once, self._fail
        )
        self._comparing = DifferenceFlow(navigator, background, gather, self.open_step, self._fail)
        choice.checked.connect(self._checked)
        navigator.page_shown.connect(self._page_shown)
        navigator.when_built("licenses", self._connect_licenses)
        navigator.when_built("license", self._connect_step)
        navigator.when_built("difference", self._connect_difference)

    def _connect_licenses(self, page: "LicensesPage") -> None:
        page.read_asked.connect(self._read)
        page.revoke_asked.connect(lambda record: self.revoke(record.model, record.model_name))
        page.waiting_asked.connect(self._wait)
        page.verify_asked.connect(lambda: self._look(anew=True))
        page.export_asked.connect(self._exporting.choose_file)
        page.unlocked.connect(self._try_again)
        page.segment_asked.connect(self._begin_segment)

    def _connect_step(self, step: "LicenseStep") -> None:
        step.accepted.connect(self._accept)
        step.declined.connect(self._decline)
        step.left.connect(self._leave)
        step.again_asked.connect(self._again)
        step.difference_asked.connect(self._open_standard)

    def _connect_difference(self, page: "DifferencePage") -> None:
        page.read_asked.connect(self._comparing.read)
        page.left.connect(self._comparing.leave)

    @property
    def _page(self) -> "LicensesPage":
        return self._navigator.page("licenses")

    @property
    def _step(self) -> "LicenseStep":
        return self._navigator.page("license")

    def refresh(self) -> None:
        """Something was accepted or revoked, here or by another process: look again at all that is shown."""
        if not self._closed:
            self._choice.refresh()

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True
        self._comparing.close()

    def _checked(self) -> None:
        """What may be used was checked again: so the page that is shown is read again. Another is once it is shown."""
        if self._navigator.shown == "licenses":
            self._look(anew=False)

    def _page_shown(self, page: str) -> None:
        if page == "licenses":
            self._look(anew=True)
        if page != "license":
            self._keep_form()

    # --- the page of licenses -------------------------------------------------------------------------------------

    def _look(self, *, anew: bool) -> None:
        self._views += 1
        mine = self._views
        self._page.show_busy()

        def gathered(view: LedgerContent) -> None:
            if mine == self._views and not self._closed:
                self._page.show_view(view, QTime.currentTime().toString("HH:mm"))

        self._background.pool(
            lambda: self._gather.ledger_view(self._assembly.library.cards(), anew=anew),
            gathered,
            self._on_page(lambda error: self._page.show_error(error)),
        )

    def _try_again(self) -> None:
        """Try the keyring again, as the person asks for it."""
        self._acknowledgements.retry_key()
        self._page.notices.clear()
        self._look(anew=True)
        self._choice.refresh()

    def _begin_segment(self) -> None:
        """The ledger goes on without the keyring."""

        def begun(record: "LedgerRecord") -> None:
            if not self._closed:
                text = tr("Record {seq} begins a new segment of the ledger. Accept again what you use.")
                self._page.notices.show_done(text.format(seq=record.seq))
                self.refresh()

        self._page.notices.show_working(tr("Beginning a new segment of the ledger…"))
        self._background.pool(self._acknowledgements.begin_segment, begun, self._fail)

    def _on_page(self, show: Callable[[UserError], None]) -> Callable[[UserError], None]:
        return lambda error: None if self._closed else show(error)

    def _fail(self, error: UserError) -> None:
        """Say what went wrong where the person is."""
        if self._closed:
            return
        if self._navigator.shown == "licenses":
            self._page.notices.show_error(error)
        elif self._navigator.shown == "models":
            self.failed_in_models.emit(error)
        else:
            self._navigator.show_error(error)
            self._navigator.show_page("")

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

    def _show_step(self, content: LicenseStepContent, form: AcceptanceInput) -> None:
        self._step.show_content(content, form, self._back)
        self._navigator.show_page("license", entry=self._back)

    def _read(self, record: "LedgerRecord") -> None:
        """Show the text that was accepted, as it was."""
        self._steps += 1
        mine = self._steps
        self._comparing.forget()

        def show(content: LicenseStepContent) -> None:
            if mine == self._steps and not self._closed:
                self._back = "licenses"
                self._show_step(content, AcceptanceInput())

        self._background.pool(lambda: self._gather.accepted_text(record), show, self._fail)

    def _again(self) -> None:
        content = self._step.content
        if content is not None:
            self.open_step(content.subject.id, content.needed.id, back=self._back, again=True)

    def _accept(self, form: AcceptanceInput) -> None:
        page = self._step
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
                page.announce(tr("Accepted. The next license follows: {name}.").format(name=following.needed.name))
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

    def _show_new_text(self, model_id: str, license_id: str, form: AcceptanceInput) -> None:
        self._forms[model_id] = form
        self.open_step(model_id, license_id, back=self._back)

    def _done(self, content: LicenseStepContent) -> None:
        """The last license of a model was accepted."""
        model_id = content.subject.id
        self._forms.pop(model_id, None)
        self._step.forget()
        self._navigator.show_page(self._back)
        said = tr("Accepted: {name}. It is recorded in your ledger.").format(name=content.subject.name)
        self._step.announce(said)
        if self._back == "":
            self._choice.choose(model_id)
        else:
            self._choice.refresh()

    def _decline(self) -> None:
        content = self._step.content
        if content is not None:
            self._forms.pop(content.subject.id, None)
        self._step.forget()
        self._navigator.show_page(self._back)

    def _leave(self) -> None:
        self._navigator.show_page(self._back)

    def _keep_form(self) -> None:
        """What is typed in a license step that was left undecided is there again when it is opened again."""
        content = self._step.content if self._navigator.is_built("license") else None
        if content is not None and content.to_accept:
            self._forms[content.subject.id] = self._step.form.form

    # --- the difference ------------------------------------------------------------------------------------------

    def open_changes(self, model_id: str, license_id: str, back: Back) -> None:
        """Show what changed in a license of a model since it was accepted; afterwards go back to the page `back`."""
        self._steps += 1  # a step that is still being read is not shown any more
        self._comparing.open_changes(model_id, license_id, back=back)

    def _open_standard(self) -> None:
        content = self._step.content
        if content is not None:
            self._steps += 1
            self._comparing.open_standard(content, back=self._back)

    def _wait(self, row: WaitingLicense) -> None:
        if row.changed:
            self.open_changes(row.model_id, row.license_id, "licenses")
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
            if self._navigator.shown == "licenses":
                text = tr("Revoked for {model}. The model is unloaded; accepting again undoes this.")
                if part:
                    text = tr("Revoked for {model}. It is a part of Latchkey and goes on answering.")
                again = (tr("Read and accept again…"), lambda: self.open_step(model_id, back="licenses"))
                self._page.notices.show_done(text.format(model=name or model_id), again)
            self.refresh()

        self._background.pool(revoke, revoked, self._fail)
