"""An administrator's policy: which models this machine may fetch and load. A file that does not hold forbids all.

contact = "it@example.org"          # whom to ask
purpose = ["research"]              # the purposes that may be declared; all where it is left out
require_checksum = true             # only files whose sha256 the catalog or the Hub vouches for
offline = true
imports = false                     # no files from elsewhere

[allow]                             # where a list is given, only what is on it
license = ["Apache-2.0", "MIT"]
gate = ["open"]

[deny]                              # what is on a list is forbidden, whatever is allowed
restriction = ["user-cap"]
publisher = ["Example"]
repository = ["example/model"]
"""

import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from desktop.catalog.terms import Gate, Purpose, Restriction
from desktop.errors import ForbiddenError
from desktop.licenses.subject import Subject
from desktop.translation import tr

_LARGEST = 1 << 20


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lists of what is allowed, or of what is denied. None: nothing is said about it."""

    license: tuple[str, ...] | None = None
    restriction: tuple[Restriction, ...] | None = None
    publisher: tuple[str, ...] | None = None
    repository: tuple[str, ...] | None = None
    gate: tuple[Gate, ...] | None = None


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file says. The default, for a machine without a policy, allows everything."""

    contact: str = ""
    purpose: tuple[Purpose, ...] | None = None
    require_checksum: bool = False
    offline: bool = False
    imports: bool = True
    allow: Rules = Rules()
    deny: Rules = Rules()


class PolicyFile:
    """The policy in force, read anew whenever its file changed. `path` is None where no policy can be set."""

    def __init__(self, path: Path | None, *, required: bool = False) -> None:
        self.path = path
        self._required = required
        self._read: tuple[tuple[int, int, int], Policy | ForbiddenError] | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a policy at all."""
        return self._required or (self.path is not None and os.path.lexists(self.path))

    def current(self) -> Policy:
        """The policy in force. Raises ForbiddenError where there is one that cannot be read: nothing may be loaded."""
        if self.path is None:
            return Policy()
        try:
            status = self.path.stat()
        except FileNotFoundError:
            if self._required or os.path.lexists(self.path):
                raise _broken(self.path, tr("it does not exist")) from None
            return Policy()
        except OSError as error:
            raise _broken(self.path, error.strerror or str(error)) from error
        stamp = (status.st_size, status.st_mtime_ns, status.st_ino)
        if self._read is None or self._read[0] != stamp:
            self._read = (stamp, _read(self.path))
        if isinstance(self._read[1], ForbiddenError):
            raise self._read[1].with_traceback(None)
        return self._read[1]


def find_policy(environ: Mapping[str, str], system: Path) -> PolicyFile:
    """The policy file: what `LATCHKEY_POLICY` names, which then has to be there, or `system`, which need not."""
    named = environ.get("LATCHKEY_POLICY")
    return PolicyFile(Path(named), required=True) if named else PolicyFile(system)


def _read(path: Path) -> Policy | ForbiddenError:
    try:
        if path.stat().st_size > _LARGEST:
            return _broken(path, tr("it is too large"))
        return msgspec.convert(tomllib.loads(path.read_bytes().decode("utf-8-sig")), Policy)
    except OSError as error:
        return _broken(path, error.strerror or str(error))
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, or not a policy
        return _broken(path, str(error))


def _broken(path: Path, reason: str) -> ForbiddenError:
    return ForbiddenError(
        tr("Your organization's policy cannot be read, so no model may be loaded."),
        tr("{file}: {reason}.").format(file=path, reason=reason.rstrip(".")),
        tr("Ask whoever manages this computer to mend the file."),
    )


# --- what a policy says of a model -------------------------------------------------------------------------------


def forbids(policy: Policy, subject: Subject, license_names: Callable[[str], Iterable[str]]) -> ForbiddenError | None:
    """The error that names what forbids `subject`; None where the policy allows it.

    `license_names` gives every name that a license is known by. Licenses and restrictions count wherever in the lineage
    they come from; publishers and repositories are denied for ancestors as well, and allowed for the model itself.
    """
    if not policy.imports and subject.imported:
        return forbidden(policy, tr("models from files of your own"))
    if policy.require_checksum and not subject.vouched:
        return forbidden(policy, tr("models whose file nobody vouches for with a checksum"))
    for what, value, own in _facts(subject):
        names = list(license_names(value)) if what == "license" else [value]
        if what == "repository" and own:
            names.append(subject.lineage.node.repository)  # its publisher's, where the file came from a copy
        denied, allowed = getattr(policy.deny, what), getattr(policy.allow, what)
        if denied is not None and _on(denied, names):
            return forbidden(policy, _phrase(what, value))
        if allowed is not None and own and not _on(allowed, names):
            return forbidden(policy, _phrase(what, value))
    return None


def forbids_purpose(policy: Policy, purpose: Purpose) -> ForbiddenError | None:
    """The error where the policy does not allow `purpose` to be declared."""
    if policy.purpose is None or purpose in policy.purpose:
        return None
    return forbidden(policy, tr("the purpose “{purpose}”").format(purpose=purpose))


def forbidden(policy: Policy, what: str) -> ForbiddenError:
    """Forbidden by the organization: what, and whom to ask."""
    remedy = (
        tr("Ask {contact}.").format(contact=policy.contact)
        if policy.contact
        else tr("Ask whoever manages this computer.")
    )
    return ForbiddenError(tr("Forbidden by your organization: {what}.").format(what=what), "", remedy)


def _facts(subject: Subject) -> Iterator[tuple[str, str, bool]]:
    """Each fact that rules speak of: its kind, its value, and whether it is the model's own, which `allow` looks at."""
    for needed in subject.needed:
        yield "license", needed.id, True
    for restriction in subject.lineage.restrictions:
        yield "restriction", restriction, True
    yield "publisher", subject.publisher, True
    yield "repository", subject.repository, True
    yield "gate", subject.gate or "", True
    for ancestor in subject.lineage.ancestors:
        if ancestor.inherits:
            yield "publisher", ancestor.node.publisher, False
            yield "repository", ancestor.node.repository, False


def _on(listed: Iterable[str], names: Iterable[str]) -> bool:
    known = {each.casefold() for each in listed}
    return any(name.casefold() in known for name in names)


def _phrase(what: str, value: str) -> str:
    phrases = {
        "license": tr("models under the license {value}"),
        "restriction": tr("models restricted by “{value}”"),
        "publisher": tr("models by {value}"),
        "repository": tr("models from {value}"),
        "gate": tr("models behind the gate “{value}”"),
    }
    return phrases[what].format(value=value or tr("unknown"))
