"""`latchkey licenses list` and `show`: the exact texts, and what they restrict by which clause."""

import shlex
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from desktop.catalog.catalog import License
from desktop.cli.command_context import CommandContext
from desktop.cli.output import paragraph
from desktop.errors import NotFoundError, UserError
from desktop.library.library_model import ListedModel
from desktop.licenses.license_diff import AcceptedTextDiff, LicenseDiffLine, StandardTextDiff
from desktop.licenses.license_subject import UNKNOWN_LICENSE, LicenseSubject, NeededLicense
from desktop.licenses.license_text_origin import edition_sentence, editions_sentence, origin_sentence, policy_sentence
from desktop.licenses.license_texts import LicenseText
from desktop.translation import tr


def show_list(options: Namespace, tools: CommandContext) -> None:
    """Every license of the catalog."""
    known = tools.library.catalog.license
    if options.json:
        tools.output.json([_described(each, tools) | _compared(each, tools, None) for each in known])
        return
    rows = [(tr("ID"), tr("NAME"), tr("RESTRICTIONS"))]
    rows += [(each.id, each.name, _restrictions(each)) for each in known]
    tools.output.table(rows, shrink=(1, 2))


def _restrictions(license_: License) -> str:
    if license_.id == UNKNOWN_LICENSE:
        return tr("not known")
    return ", ".join(license_.restrictions) or "–"


def show(options: Namespace, tools: CommandContext) -> None:
    """One license's text, or those of all licenses that a model needs, ancestors' first.

    In a pipe a single text goes out byte for byte. Raises NotFoundError where there is neither license nor model.
    """
    license_, listed = _named(options.id, tools)
    if options.changes:
        _show_changes(options, tools, listed)
        return
    if options.against_standard:
        _show_against_standard(options, tools, listed)
        return
    licenses = [license_] if license_ is not None else _needed(listed, tools)
    model_id = listed.subject.id if listed is not None else ""
    if options.json:
        described = [_described(each, tools, model_id) | _compared(each, tools, listed) for each in licenses]
        tools.output.json(described[0] if len(described) == 1 else described)
    elif options.acceptable_use:
        _show_acceptable_use(licenses, tools)
    else:
        _show_texts([tools.acknowledgements.text(each.id, model_id) for each in licenses], listed, tools)


def _named(name: str, tools: CommandContext) -> tuple[License | None, ListedModel | None]:
    """The license of this name; else the model."""
    license_ = tools.library.catalog.find_license(name)
    if license_ is not None:
        return license_, None
    try:
        return None, tools.library.find_listed(name)
    except NotFoundError as error:
        raise NotFoundError(
            tr("There is no license and no model called {name}.").format(name=name),
            "",
            tr("“latchkey licenses list” and “latchkey models list” name them."),
        ) from error


def _needed(listed: ListedModel | None, tools: CommandContext) -> list[License]:
    """What has to be accepted for a model; for one that is closed, the licenses it is under."""
    if listed is None:
        return []
    subject = listed.subject
    ids = [needed.id for needed in subject.needed] or list(subject.lineage.node.licenses)
    return [tools.acknowledgements.license(each, subject.id) for each in ids]


def _show_texts(texts: Sequence[LicenseText], listed: ListedModel | None, tools: CommandContext) -> None:
    for number, text in enumerate(texts):
        heading = tr("{name} ({id}), sha256 {sha256}").format(
            name=text.license.name, id=text.license.id, sha256=text.sha256
        )
        brought = next((each for each in (listed.subject.needed if listed else ()) if each.id == text.license.id), None)
        if listed is not None and brought is not None and brought.comes_from != listed.subject.id:
            heading += ", " + tr("from {ancestor}").format(ancestor=brought.from_name)
        from_where = origin_sentence(text.license), editions_sentence(text.license, text.sha256)
        if len(texts) == 1:
            tools.output.note(heading)
            for line in paragraph(" ".join(from_where).strip()):
                tools.output.note(line)
        else:
            tools.output.line(("\n\n" if number else "") + f"==> {heading} <==\n")
        if tools.output.terminal:
            tools.output.line(text.text)
        else:
            tools.output.write_bytes(text.data)
    if listed is not None:
        _note_standards(listed.subject, tools)


def _show_acceptable_use(licenses: Sequence[License], tools: CommandContext) -> None:
    policies = [(each, tools.acknowledgements.acceptable_use(each.id)) for each in licenses]
    policies = [(each, policy) for each, policy in policies if policy]
    if not policies:
        names = ", ".join(each.id for each in licenses)
        raise NotFoundError(tr("{licenses} incorporates no use policy of its own.").format(licenses=names))
    for number, (each, policy) in enumerate(policies):
        if len(policies) > 1:
            tools.output.line(("\n" if number else "") + f"==> {each.id} <==\n")
        tools.output.line(policy)


def _show_changes(options: Namespace, tools: CommandContext, listed: ListedModel | None) -> None:
    """What is new in the texts of a model's licenses since they were accepted."""
    subject = _model(options.id, listed, tr("Changes are counted from what was accepted for a model."))
    found = [
        each for needed in subject.needed if (each := tools.acknowledgements.difference(subject, needed.id)) is not None
    ]
    if options.json:
        tools.output.json([_difference(each) for each in found])
        return
    if not found:
        tools.output.note(tr("No text changed since you accepted one for {model}.").format(model=subject.id))
    for each in found:
        for line in difference_lines(each):
            tools.output.line(line)
    for license_status in tools.acknowledgements.verdict(subject).licenses:
        record, policy = license_status.record, tools.acknowledgements.policy_sha256(license_status.needed.id)
        if record is not None and (said := policy_sentence(record, policy)):
            tools.output.note(f"{license_status.needed.name}: {said}")
    _note_standards(subject, tools)


def _show_against_standard(options: Namespace, tools: CommandContext, listed: ListedModel | None) -> None:
    """In what a publisher's own text differs from the one that ships for the license that its card names."""
    subject = _model(options.id, listed, tr("A text is compared that a model's publisher wrote."))
    each_one = (tools.acknowledgements.standard_difference(subject, needed.id) for needed in subject.needed)
    found = [each for each in each_one if each is not None]
    if options.json:
        tools.output.json([{"license": each.new.id, **_standard(each)} for each in found])
        return
    if not found:
        same = tr("No license text of {model} differs from the one that ships with Latchkey.")
        tools.output.note(same.format(model=subject.id))
    for each in found:
        for line in standard_lines(each):
            tools.output.line(line)


def _model(name: str, listed: ListedModel | None, why: str) -> LicenseSubject:
    if listed is None:
        raise NotFoundError(tr("{id} is a license.").format(id=name), why, tr("Name the model."))
    return listed.subject


def _note_standards(subject: LicenseSubject, tools: CommandContext) -> None:
    """Where a text of the model is not that of the license that its card names, by what its difference is shown."""
    for needed in subject.needed:
        standard = tools.acknowledgements.standard_text(needed)
        if standard is not None:
            for line in paragraph(standard_sentence(subject, needed, standard)):
                tools.output.note(line)


def standard_sentence(subject: LicenseSubject, needed: NeededLicense, standard: LicenseText) -> str:
    """That a text is its publisher's own, and by what it is compared with the one that ships."""
    said = (
        tr("Its card names {license}, and its text is another one. In what it differs: {command}")
        if needed.tagged
        else tr("It is its publisher's own text of {license}. In what it differs from the one that ships: {command}")
    )
    command = f"latchkey licenses show {shlex.quote(subject.id)} --against-standard"
    return said.format(license=standard.license.name, command=command)


def standard_lines(difference: StandardTextDiff) -> list[str]:
    """What the license's standard text alone has ("-"), and what the publisher's own has ("+"), by paragraph."""
    new, standard = difference.new, difference.standard
    heading = tr(
        "{name} ({sha}…) beside the standard text of {license} ({standard_sha}…): - stands there, + here"
    ).format(
        name=new.name,
        sha=new.text_sha256[:16],
        license=standard.license.name,
        standard_sha=standard.sha256[:16],
    )
    return [*paragraph(heading), *_changed_lines(difference.lines)]


def difference_lines(difference: AcceptedTextDiff) -> list[str]:
    """What was taken out ("-") and put in ("+"), paragraph by paragraph; what stayed is left out."""
    new, old = difference.new, difference.old
    lines = paragraph(
        tr("{license}: the text accepted on {date} ({old}…) beside the one in force now ({new}…)").format(
            license=new.name, date=old.time[:10], old=old.text_sha256[:16], new=new.text_sha256[:16]
        )
    )
    if edition := edition_sentence(new, old):
        lines += paragraph(edition)
    if not difference.changed:
        lines += paragraph(tr("No word changed, only white space."))
    return [*lines, *_changed_lines(difference.lines)]


def _changed_lines(compared: Sequence[LicenseDiffLine]) -> list[str]:
    lines: list[str] = []
    before = "same"
    for line in compared:
        if line.kind == "same":
            before = line.kind
            continue
        if before == "same":
            lines.append("")
        sign = "- " if line.kind == "removed" else "+ "
        lines += paragraph(line.text, sign, sign)
        before = line.kind
    return lines


def _difference(difference: AcceptedTextDiff) -> dict[str, Any]:
    edition = difference.new.edition(difference.old.text_sha256)
    return {
        "license": difference.new.id,
        "old_sha256": difference.old.text_sha256,
        "new_sha256": difference.new.text_sha256,
        "accepted": difference.old.time,
        "accepted_edition": edition.source if edition is not None else None,
        **_lines(difference),
    }


def _standard(difference: StandardTextDiff) -> dict[str, Any]:
    standard = difference.standard
    return {
        "standard": standard.license.id,
        "standard_name": standard.license.name,
        "standard_sha256": standard.sha256,
        "sha256": difference.new.text_sha256,
        "tagged": bool(difference.new.tagged),
        **_lines(difference),
    }


def _lines(difference: AcceptedTextDiff | StandardTextDiff) -> dict[str, Any]:
    return {
        "changed": difference.changed,
        "lines": [{"kind": line.kind, "text": line.text} for line in difference.lines],
    }


def _compared(license_: License, tools: CommandContext, listed: ListedModel | None) -> dict[str, Any]:
    """`differs_from`: the standard text that a publisher's own is compared with, null where it is none."""
    if listed is None or all(each.id != license_.id for each in listed.subject.needed):
        return {"differs_from": None}
    found = tools.acknowledgements.standard_difference(listed.subject, license_.id)
    return {"differs_from": _standard(found) if found is not None else None}


def _described(license_: License, tools: CommandContext, model_id: str = "") -> dict[str, Any]:
    """A license as the command's contract gives it; text and hash are null for one whose text is not ours to ship."""
    own = bool(model_id) and tools.library.publishers_text(model_id, license_.id) is not None
    text: LicenseText | None = tools.acknowledgements.text(license_.id, model_id) if license_.text or own else None
    policy = None
    if license_.acceptable_use:
        try:
            policy = tools.acknowledgements.acceptable_use(license_.id)
        except UserError as error:
            tools.output.note(str(error))
    return {
        "id": license_.id,
        "name": license_.name,
        "spdx": license_.spdx,
        "text": text.text if text else None,
        "sha256": text.sha256 if text else None,
        "source": license_.source or None,
        "restrictions": [
            {"restriction": each.restriction, "clause": each.clause, "says": each.says} for each in license_.restriction
        ],
        "retrieved": license_.retrieved or None,
        "publishers_file": license_.publishers_file,
        "attribution": license_.attribution or None,
        "acceptable_use": policy,
        "editions": [
            {"sha256": each.sha256, "differs": each.differs, "source": each.source} for each in license_.edition
        ],
        "note": license_.note or None,
    }
