"""`latchkey licenses list` and `show`: the exact texts, and what they restrict by which clause."""

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from desktop.catalog.entries import License
from desktop.cli.layout import paragraph
from desktop.cli.tools import Tools
from desktop.errors import NotFoundError, UserError
from desktop.library.models import Listed
from desktop.library.subjects import UNKNOWN
from desktop.licenses.desk import Difference
from desktop.licenses.texts import LicenseText
from desktop.translation import tr


def show_list(options: Namespace, tools: Tools) -> None:
    """Every license of the catalog."""
    known = tools.library.catalog.license
    if options.json:
        tools.output.json([_described(license_, tools) for license_ in known])
        return
    rows = [(tr("ID"), tr("NAME"), tr("RESTRICTIONS"))]
    rows += [(each.id, each.name, _restrictions(each)) for each in known]
    tools.output.table(rows, shrink=(1, 2))


def _restrictions(license_: License) -> str:
    if license_.id == UNKNOWN:
        return tr("not known")
    return ", ".join(license_.restrictions) or "–"


def show(options: Namespace, tools: Tools) -> None:
    """One license's text, or those of all licenses that a model needs, ancestors' first.

    In a pipe a single text goes out byte for byte. Raises NotFoundError where there is neither license nor model.
    """
    license_, listed = _named(options.id, tools)
    if options.changes:
        _show_changes(options, tools, listed)
        return
    licenses = [license_] if license_ is not None else _needed(listed, tools)
    model_id = listed.subject.id if listed is not None else ""
    if options.json:
        described = [_described(each, tools, model_id) for each in licenses]
        tools.output.json(described[0] if len(described) == 1 else described)
    elif options.acceptable_use:
        _show_acceptable_use(licenses, tools)
    else:
        _show_texts([tools.desk.text(each.id, model_id) for each in licenses], listed, tools)


def _named(name: str, tools: Tools) -> tuple[License | None, Listed | None]:
    """The license of this name; else the model."""
    license_ = tools.library.catalog.find_license(name)
    if license_ is not None:
        return license_, None
    try:
        return None, tools.library.listed_one(name)
    except NotFoundError as error:
        raise NotFoundError(
            tr("There is no license and no model called {name}.").format(name=name),
            "",
            tr("“latchkey licenses list” and “latchkey models list” name them."),
        ) from error


def _needed(listed: Listed | None, tools: Tools) -> list[License]:
    """What has to be accepted for a model; for one that is closed, the licenses it is under."""
    if listed is None:
        return []
    subject = listed.subject
    ids = [needed.id for needed in subject.needed] or list(subject.lineage.node.licenses)
    return [tools.desk.license(each, subject.id) for each in ids]


def _show_texts(texts: Sequence[LicenseText], listed: Listed | None, tools: Tools) -> None:
    for number, text in enumerate(texts):
        heading = tr("{name} ({id}), sha256 {sha256}").format(
            name=text.license.name, id=text.license.id, sha256=text.sha256
        )
        brought = next((each for each in (listed.subject.needed if listed else ()) if each.id == text.license.id), None)
        if listed is not None and brought is not None and brought.comes_from != listed.subject.id:
            heading += ", " + tr("from {ancestor}").format(ancestor=brought.from_name)
        if len(texts) == 1:
            tools.output.note(heading)
        else:
            tools.output.line(("\n\n" if number else "") + f"==> {heading} <==\n")
        if tools.output.terminal:
            tools.output.line(text.text)
        else:
            tools.output.bytes(text.data)


def _show_acceptable_use(licenses: Sequence[License], tools: Tools) -> None:
    policies = [(each, tools.desk.acceptable_use(each.id)) for each in licenses]
    policies = [(each, policy) for each, policy in policies if policy]
    if not policies:
        names = ", ".join(each.id for each in licenses)
        raise NotFoundError(tr("{licenses} incorporates no use policy of its own.").format(licenses=names))
    for number, (each, policy) in enumerate(policies):
        if len(policies) > 1:
            tools.output.line(("\n" if number else "") + f"==> {each.id} <==\n")
        tools.output.line(policy)


def _show_changes(options: Namespace, tools: Tools, listed: Listed | None) -> None:
    """What is new in the texts of a model's licenses since they were accepted."""
    if listed is None:
        raise NotFoundError(
            tr("{id} is a license.").format(id=options.id),
            tr("Changes are counted from what was accepted for a model."),
            tr("Name the model."),
        )
    subject = listed.subject
    found = [each for needed in subject.needed if (each := tools.desk.difference(subject, needed.id)) is not None]
    if options.json:
        tools.output.json([_difference(each) for each in found])
        return
    if not found:
        tools.output.note(tr("No text changed since you accepted one for {model}.").format(model=subject.id))
    for each in found:
        for line in difference_lines(each):
            tools.output.line(line)


def difference_lines(difference: Difference) -> list[str]:
    """What was taken out ("-") and put in ("+"), paragraph by paragraph; what stayed is left out."""
    new, old = difference.new, difference.old
    lines = paragraph(
        tr("{license}: the text accepted on {date} ({old}…) beside the one in force now ({new}…)").format(
            license=new.name, date=old.time[:10], old=old.text_sha256[:16], new=new.text_sha256[:16]
        )
    )
    if not difference.changed:
        lines += paragraph(tr("No word changed, only white space."))
    before = "same"
    for line in difference.lines:
        if line.kind == "same":
            before = line.kind
            continue
        if before == "same":
            lines.append("")
        sign = "- " if line.kind == "removed" else "+ "
        lines += paragraph(line.text, sign, sign)
        before = line.kind
    return lines


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "license": difference.new.id,
        "old_sha256": difference.old.text_sha256,
        "new_sha256": difference.new.text_sha256,
        "accepted": difference.old.time,
        "changed": difference.changed,
        "lines": [{"kind": line.kind, "text": line.text} for line in difference.lines],
    }


def _described(license_: License, tools: Tools, model_id: str = "") -> dict[str, Any]:
    """A license as the command's contract gives it; text and hash are null for one whose text is not ours to ship."""
    own = bool(model_id) and tools.library.publishers_text(model_id, license_.id) is not None
    text: LicenseText | None = tools.desk.text(license_.id, model_id) if license_.text or own else None
    policy = None
    if license_.acceptable_use:
        try:
            policy = tools.desk.acceptable_use(license_.id)
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
        "attribution": license_.attribution or None,
        "acceptable_use": policy,
        "note": license_.note or None,
    }
