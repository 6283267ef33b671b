"""`latchkey models verify`: model files read to their end, whatever was remembered of them."""

import contextlib
from argparse import Namespace
from typing import Literal

import msgspec

from desktop.cli.model_facts import file_hash
from desktop.cli.reading import reading
from desktop.cli.standing import every_file, id_of
from desktop.cli.tools import Tools
from desktop.errors import IntegrityError, NotFoundError, ResourceError
from desktop.library.models import Listed
from desktop.split_files import parts_of
from desktop.translation import tr

State = Literal["unchanged", "changed", "missing", "unreadable", "unknown"]


class Verified(msgspec.Struct, frozen=True):
    """A file read again. `ok` is None where there is no hash to compare with; `sha256` where it cannot be read."""

    id: str
    file: str
    ok: bool | None
    sha256: str | None
    expected: str | None
    state: State


def run(options: Namespace, tools: Tools) -> None:
    """Raises IntegrityError where a file is not what it was, NotFoundError where one is gone."""
    found = [tools.library.listed_one(options.id)] if options.id else every_file(tools.library)
    here = [listed for listed in found if listed.model is not None]
    if options.id and not here:
        tools.library.find(options.id)  # says that it is not here
        raise NotFoundError(tr("{model} is not on this computer.").format(model=options.id))
    results = [_verified(listed, tools) for listed in here]
    if options.json:
        tools.output.json(results)
    else:
        words: dict[State, str] = {
            "unchanged": tr("unchanged"),
            "changed": tr("CHANGED"),
            "missing": tr("MISSING"),
            "unreadable": tr("CANNOT BE READ"),
            "unknown": tr("nothing to compare with"),
        }
        tools.output.table([(each.id, words[each.state], each.sha256 or "–") for each in results])
    _raise(results)


def _raise(results: list[Verified]) -> None:
    changed = ", ".join(each.id for each in results if each.state in ("changed", "unreadable"))
    gone = ", ".join(f"{each.id} ({each.file})" for each in results if each.state == "missing")
    if changed:
        raise IntegrityError(
            tr("The file of {models} is not what it was.").format(models=changed),
            tr("Gone is that of {models}.").format(models=gone) if gone else "",
            tr("Put the original file back, fetch or import it again, or remove the model from the library."),
        )
    if gone:
        raise NotFoundError(
            tr("The file of {models} is gone.").format(models=gone),
            "",
            tr("Put it back, connect the disk it is on, or remove the model: latchkey models remove ID"),
        )


def _verified(listed: Listed, tools: Tools) -> Verified:
    subject, model = listed.subject, listed.model
    assert model is not None
    expected = subject.file_sha256 or None
    if not all(file.is_file() for file in parts_of(model.path)):
        return Verified(id_of(listed), str(model.path), False, None, expected, "missing")
    told = reading(id_of(listed), tools)
    if model.built_in:
        tools.hashes.forget(parts_of(model.path))
    else:
        # What it finds wrong shows below, with both hashes; what it finds right is noted.
        with contextlib.suppress(IntegrityError, NotFoundError, ResourceError):
            tools.assembly.importer.verify(model.id, progress=told)
    sha256 = file_hash(listed, tools)
    tools.output.clear_progress()
    if sha256 is None:
        return Verified(id_of(listed), str(model.path), False, None, expected, "unreadable")
    ok = None if expected is None else sha256 == expected
    return Verified(id_of(listed), str(model.path), ok, sha256, expected, _STATES[ok])


_STATES: dict[bool | None, State] = {True: "unchanged", False: "changed", None: "unknown"}
