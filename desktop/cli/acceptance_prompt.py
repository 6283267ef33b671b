"""Accepting a license at a terminal, where a model waits for it: shows terms and text, asks for name and purpose.

Everything here goes to standard error and is typed by a person. Nothing is filled in, and every answer but the whole
word declines, unless no term of the model restricts anything: then name and purpose are those of the last time (the
first time the account's name is proposed), and a “y” accepts. In a pipe it is never reached.
"""

import shutil
from argparse import Namespace
from collections.abc import Sequence

from desktop.catalog.license_terms import PURPOSES, Purpose
from desktop.cli.command_context import CommandContext
from desktop.cli.endpoints_command import leaves_sentence
from desktop.cli.licenses_command import accepted_sentence, restarted_sentence
from desktop.cli.licenses_show_command import difference_lines, standard_sentence
from desktop.cli.output import cells, paragraph
from desktop.cli.terminal_input import repair_input
from desktop.cli.vault_prompt import with_token
from desktop.errors import LicenseError, ResourceError
from desktop.library.library_model import LibraryModel
from desktop.licenses.acknowledgements import Acceptance
from desktop.licenses.ledger_record import account_name
from desktop.licenses.license_subject import LicenseSubject, NeededLicense
from desktop.licenses.license_texts import LicenseText
from desktop.licenses.license_verdict import LicenseVerdict, show_argument, unrestricted_licenses
from desktop.safe_text import is_blank
from desktop.settings import AcceptanceSettings
from desktop.translation import tr

_NOTHING = AcceptanceSettings()


def can_ask(tools: CommandContext) -> bool:
    """Whether input and standard error are a terminal."""
    return tools.stdin.isatty() and tools.output.notes_on_terminal


class AcceptancePrompt:
    """One model's licenses, one after another, until all are accepted or one is declined."""

    def __init__(self, tools: CommandContext, subject: LicenseSubject, verdict: LicenseVerdict) -> None:
        self._tools = tools
        self._subject = subject
        self._verdict = verdict
        self._acceptance: Acceptance | None = None

    def run(self) -> None:
        """Raises LicenseError where the person declines, and what recording fails with."""
        waiting = [each.needed for each in self._verdict.licenses if each.needs_acknowledgement]
        self._say(*paragraph(self._opening(len(waiting))))
        if at_once := unrestricted_licenses(self._subject, self._verdict):
            self._at_once(at_once)
            return
        for needed in waiting:
            self._one(needed)
        self._say("")

    def _opening(self, count: int) -> str:
        if count == 1:
            return tr("Before {model} can be loaded, its license has to be accepted.").format(model=self._subject.name)
        return tr("Before {model} can be loaded, {count} licenses have to be accepted.").format(
            model=self._subject.name, count=count
        )

    def _at_once(self, licenses: Sequence[NeededLicense]) -> None:
        """All licenses of a model that none of its terms restricts, with one letter."""
        texts = {needed.id: self._tools.acknowledgements.text(needed.id, self._subject.id) for needed in licenses}
        for needed in licenses:
            self._show_terms(needed, texts[needed.id])
        acceptance = _remembered(self._tools.settings.acceptance)
        while True:
            if (
                acceptance is None
                or self._tools.acknowledgements.purpose_refusal(self._subject, acceptance.purpose) is not None
            ):
                acceptance = self._who(account_name(), self._tools.settings.acceptance)
            question = tr("{person}, accept {licenses} for {model}, for the purpose “{purpose}”?").format(
                person=_declared_by(acceptance),
                licenses=", ".join(needed.id for needed in licenses),
                model=self._subject.name,
                purpose=acceptance.purpose,
            )
            self._say(*paragraph(question))
            typed = self._ask(tr("y accepts, t shows the text, c changes name and purpose; all else declines: "))
            match typed.casefold():
                case "y" | "yes":
                    break
                case "t":
                    for text in texts.values():
                        self._page(text.text.splitlines())
                case "c":
                    acceptance = None
                case _:
                    self._decline()
        for needed in licenses:
            record = self._tools.acknowledgements.accept(self._subject, needed.id, texts[needed.id].sha256, acceptance)
            self._say(*paragraph(accepted_sentence(self._subject, needed, record)))
        self._remember(acceptance)
        self._say("")

    def _remember(self, acceptance: Acceptance) -> None:
        last = AcceptanceSettings(acceptance.person, acceptance.organization, acceptance.purpose)
        try:
            self._tools.settings_file.change(acceptance=last)
        except ResourceError as error:
            self._say(str(error))  # the acceptance itself is recorded

    def _one(self, needed: NeededLicense) -> None:
        text = self._tools.acknowledgements.text(needed.id, self._subject.id)
        self._show_terms(needed, text)
        difference = self._tools.acknowledgements.difference(self._subject, needed.id)
        if difference is not None:
            self._page(difference_lines(difference))
        if self._ask(tr("Read the whole text now? [y/N] ")).casefold() in (tr("y"), tr("yes")):
            self._page(text.text.splitlines())
        acceptance = self._acceptance or self._who()
        self._say(
            *paragraph(
                tr("{person}, do you accept {license} for {model}, for the purpose “{purpose}”?").format(
                    person=_declared_by(acceptance),
                    license=text.license.name,
                    model=self._subject.name,
                    purpose=acceptance.purpose,
                )
            )
        )
        if self._ask(tr("Type “accept” to accept; anything else declines: ")) != tr("accept"):
            self._decline()
        before = self._tools.acknowledgements.check()
        record = self._tools.acknowledgements.accept(self._subject, needed.id, text.sha256, acceptance)
        self._acceptance = acceptance
        self._remember(acceptance)
        if not before.ok:
            self._say(restarted_sentence(before.reason))
        self._say(*paragraph(accepted_sentence(self._subject, needed, record)))

    def _show_terms(self, needed: NeededLicense, text: LicenseText) -> None:
        license_ = text.license
        heading = f"{license_.name} ({license_.id})"
        if needed.comes_from != self._subject.id:
            heading += ", " + tr("from {ancestor}").format(ancestor=needed.from_name)
        self._say("", *paragraph(heading, "  "))
        for clause in license_.restriction:
            self._say(*paragraph(f"{clause.restriction}, {clause.clause}: {clause.says}", "  • "))
        if needed.own and not license_.restriction:
            self._say(*paragraph(tr("It is its publisher's own: what it restricts stands in its text alone."), "  "))
        elif not license_.restriction:
            self._say("  " + tr("It restricts nothing that Latchkey keeps track of."))
        if license_.acceptable_use:
            command = f"latchkey licenses show {license_.id} --acceptable-use"
            self._say(*paragraph(tr("It incorporates a use policy: {command}").format(command=command), "  "))
        self._say("  " + tr("The text: latchkey licenses show {id}").format(id=show_argument(self._subject, needed)))
        if (standard := self._tools.acknowledgements.standard_text(needed)) is not None:
            self._say(*paragraph(standard_sentence(self._subject, needed, standard), "  "))
        self._say("  sha256 " + text.sha256, "")

    def _who(self, account: str = "", last: AcceptanceSettings = _NOTHING) -> Acceptance:
        """The name, organization and purpose, as the person types them. Enter takes what is proposed: the name of the
        last time or of the `account`, where there is one."""
        proposed = last.name or account
        question = tr("Your name [{name}]: ").format(name=proposed) if proposed else tr("Your name: ")
        person = self._ask(question) or proposed
        if is_blank(person):
            self._decline()
        organization = self._ask(tr("Your organization, if you accept for one: "))
        return Acceptance(person, self._purpose(), organization)

    def _purpose(self) -> Purpose:
        while True:
            typed = self._ask(tr("Your purpose ({purposes}): ").format(purposes=", ".join(PURPOSES))).casefold()
            if not typed:
                self._decline()
            purpose = next((each for each in PURPOSES if each == typed), None)
            if purpose is None:
                continue
            refusal = self._tools.acknowledgements.purpose_refusal(self._subject, purpose)
            if refusal is None:
                return purpose
            self._say(str(refusal))

    def _decline(self) -> None:
        error = self._verdict.error
        raise LicenseError(tr("Declined: nothing was accepted."), "", error.remedy if error is not None else "")

    def _say(self, *lines: str) -> None:
        for line in lines:
            self._tools.output.note(line)

    def _ask(self, question: str) -> str:
        """What the person typed, without the blanks around it; "" also where the input ends."""
        self._tools.output.prompt(question)
        typed: bytes = self._tools.stdin.readline()
        if not typed.endswith(b"\n"):
            self._say("")
        return repair_input(typed.decode("utf-8", "surrogateescape")).strip()

    def _page(self, lines: Sequence[str]) -> None:
        """Show lines a screenful at a time, until the end or until the person types q."""
        width, height = shutil.get_terminal_size()
        room = 0
        for line in lines:
            takes = max(1, -(-cells(line) // max(1, width)))
            if room and room + takes > height - 1:
                if self._ask(tr("-- Enter shows more, q ends --")).casefold().startswith("q"):
                    return
                room = 0
            self._say(line)
            room += takes
        self._say("")


def _declared_by(acceptance: Acceptance) -> str:
    """Who accepts, within a question."""
    if not acceptance.organization:
        return acceptance.person
    return tr("{person}, for {organization}").format(person=acceptance.person, organization=acceptance.organization)


def _remembered(last: AcceptanceSettings) -> Acceptance | None:
    """What the person accepted as the last time; None where that is not known."""
    if not last.complete or last.purpose == "":
        return None
    return Acceptance(last.name, last.purpose, last.organization)


def admit_or_prompt(tools: CommandContext, model: LibraryModel) -> None:
    """Return where `model` may be loaded now. Raises the UserError that says what is missing or forbids it."""
    tools.output.progress(tr("Checking {model}…").format(model=model.name))
    listed = tools.library.find_listed(str(model.path))
    verdict = tools.acknowledgements.verdict(listed.subject)  # which notes a text that changed
    if isinstance(verdict.error, LicenseError) and can_ask(tools):
        AcceptancePrompt(tools, listed.subject, verdict).run()
    if model.served is not None:  # a vault opens before anything is sent
        host = model.served.endpoint.host
        with_token(Namespace(), tools, lambda: tools.online.tokens.get(host))
        tools.output.dim(f"{leaves_sentence(model.served.endpoint)}\n")
    tools.license_check.admit(model.path)
    tools.output.clear_progress()
