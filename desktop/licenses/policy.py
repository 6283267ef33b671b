"""An administrator's policy: which models and tools this machine may use. A file that does not hold forbids all.

contact = "it@example.org"          # whom to ask
purpose = ["research"]              # the purposes that may be declared; all where it is left out
require_checksum = true             # only files whose sha256 the catalog or the Hub vouches for
endpoint = ["https://hub.example"]  # the Hubs whose word counts; only Hugging Face where it is left out
offline = true
imports = false                     # no files from elsewhere
server = false                      # no model is served to other programs

[allow]                             # where a list is given, only what is on it
license = ["Apache-2.0", "MIT"]
gate = ["open"]

[deny]                              # what is on a list is forbidden, whatever is allowed
restriction = ["user-cap"]
publisher = ["Example"]
repository = ["example/model"]
tool = ["shell", "files/write_file"] # tools, whatever server has them; servers, by name or program; "*" for all
host = ["*"]                         # models at endpoints, by the host that what is written goes to; "*" for all

Several policies can hold at once: what one of them forbids is forbidden, and none takes anything back.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec

from desktop.catalog.license_terms import Gate, Purpose, Restriction
from desktop.catalog.repository_name import is_repository_id
from desktop.errors import ForbiddenError
from desktop.licenses.license_subject import UNKNOWN_LICENSE, LicenseSubject
from desktop.network.url import parse_url
from desktop.translation import tr

DEFAULT_ENDPOINTS = ("https://huggingface.co",)
"""The Hubs whose metadata counts under a policy that names none."""
_UNLISTED = "licenseref-"


class PolicyRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lists of what is allowed, or of what is denied. None: nothing is said about it."""

    license: tuple[str, ...] | None = None
    restriction: tuple[Restriction, ...] | None = None
    publisher: tuple[str, ...] | None = None
    repository: tuple[str, ...] | None = None
    gate: tuple[Gate, ...] | None = None
    tool: tuple[str, ...] | None = None
    host: tuple[str, ...] | None = None

    @property
    def given(self) -> bool:
        """Whether there is any list that speaks of models."""
        return any(getattr(self, each) is not None for each in self.__struct_fields__ if each not in ("tool", "host"))


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one file says. The default allows everything."""

    contact: str = ""
    purpose: tuple[Purpose, ...] | None = None
    require_checksum: bool = False
    endpoint: tuple[str, ...] | None = None
    offline: bool = False
    imports: bool = True
    server: bool = True
    allow: PolicyRules = PolicyRules()
    deny: PolicyRules = PolicyRules()

    @property
    def repositories(self) -> tuple[str, ...]:
        """Every repository that it names."""
        return (*(self.allow.repository or ()), *(self.deny.repository or ()))


@dataclass(frozen=True)
class CombinedPolicy:
    """All policies of a machine together; none allows everything."""

    policies: tuple[Policy, ...] = ()

    @property
    def offline(self) -> bool:
        """Whether one of them keeps Latchkey offline."""
        return any(each.offline for each in self.policies)

    @property
    def contact(self) -> str:
        """Whom to ask about being offline; else the first contact that is named."""
        ranked = sorted(self.policies, key=lambda each: not each.offline)
        return next((each.contact for each in ranked if each.contact), "")

    @property
    def denied_tools(self) -> tuple[str, ...]:
        """Every tool and tool server that one of them denies."""
        return tuple(dict.fromkeys(name for each in self.policies for name in each.deny.tool or ()))

    def tool_error(self, what: str) -> ForbiddenError:
        """The error for a tool or server that is denied."""
        denying = next((each for each in self.policies if each.deny.tool), Policy())
        return forbidden_error(denying, what)

    @property
    def repositories(self) -> tuple[str, ...]:
        """Every repository that they name, each once."""
        return tuple(dict.fromkeys(name for each in self.policies for name in each.repositories))


def _each(policy: Policy | CombinedPolicy) -> tuple[Policy, ...]:
    return policy.policies if isinstance(policy, CombinedPolicy) else (policy,)


# --- what a policy says of a model -------------------------------------------------------------------------------


def forbids(
    policy: Policy | CombinedPolicy, subject: LicenseSubject, license_names: Callable[[str], Iterable[str]]
) -> ForbiddenError | None:
    """The error that names what forbids `subject`; None where every policy allows it.

    `license_names` gives every name that a license is known by. What is denied counts wherever in the lineage it comes
    from, and under every name that a repository ever had. What is allowed counts for the model itself, and only where
    its publisher, the Hub or Latchkey's catalog says so: what only the person says makes no model an allowed one.
    """
    found = (_forbids(each, subject, license_names) for each in _each(policy))
    return next((error for error in found if error is not None), None)


def _forbids(
    policy: Policy, subject: LicenseSubject, license_names: Callable[[str], Iterable[str]]
) -> ForbiddenError | None:
    if not policy.imports and subject.imported:
        return _no_imports(policy)
    if subject.served_at and (refusal := _forbids_host(policy, subject.served_at)) is not None:
        return refusal
    if not _endpoint_counts(policy, subject.endpoint):
        return forbidden_error(policy, tr("models from the Hub {endpoint}").format(endpoint=subject.endpoint))
    if policy.require_checksum and (not subject.hash_vouched or (subject.own_entry and subject.imported)):
        return forbidden_error(policy, tr("models whose file nobody vouches for with a checksum"))
    for fact in _attributes(subject):
        denied, allowed = getattr(policy.deny, fact.kind), getattr(policy.allow, fact.kind)
        named = license_names if fact.kind == "license" else _alone
        if denied is not None and (name := _denied(denied, fact, named)):
            return forbidden_error(policy, _phrase(fact.kind, name))
        if allowed is not None and fact.own and not _allowed(allowed, fact, named):
            known = fact.names[0] if fact.vouched else ""
            return forbidden_error(policy, _phrase(fact.kind, known, claimed=fact.claimed))
    if (base := _unknown_base(policy, subject)) is not None:
        return forbidden_error(policy, tr("models built on a base that is not known: {base}").format(base=base))
    return None


def forbids_host(policy: Policy | CombinedPolicy, address: str) -> ForbiddenError | None:
    """The error where nothing may be sent to the endpoint at `address`; None where every policy allows it."""
    return next((error for each in _each(policy) if (error := _forbids_host(each, address)) is not None), None)


def _forbids_host(policy: Policy, address: str) -> ForbiddenError | None:
    """A host is meant with its port, or without it for all ports. Where files from elsewhere may not be added, only
    hosts may be used that the policy itself allows."""
    url = parse_url(address)
    names = {"*", url.authority, url.host}
    denied, allowed = policy.deny.host or (), policy.allow.host
    if (
        names & set(denied)
        or (allowed is not None and not names & set(allowed))
        or (allowed is None and not policy.imports)
    ):
        return forbidden_error(policy, tr("models at {host}").format(host=url.authority))
    return None


def forbids_imports(policy: Policy | CombinedPolicy) -> ForbiddenError | None:
    """The error where files of one's own may not be added."""
    return next((_no_imports(each) for each in _each(policy) if not each.imports), None)


def forbids_server(policy: Policy | CombinedPolicy) -> ForbiddenError | None:
    """The error where no model may be served to other programs."""
    denying = next((each for each in _each(policy) if not each.server), None)
    return None if denying is None else forbidden_error(denying, tr("serving models to other programs"))


def forbids_purpose(policy: Policy | CombinedPolicy, purpose: Purpose) -> ForbiddenError | None:
    """The error where a policy does not allow `purpose` to be declared."""
    for each in _each(policy):
        if each.purpose is not None and purpose not in each.purpose:
            return forbidden_error(each, tr("the purpose “{purpose}”").format(purpose=purpose))
    return None


def forbidden_error(policy: Policy, what: str) -> ForbiddenError:
    """Forbidden by the organization: what, and whom to ask."""
    remedy = (
        tr("Ask {contact}.").format(contact=policy.contact)
        if policy.contact
        else tr("Ask whoever manages this computer.")
    )
    return ForbiddenError(tr("Forbidden by your organization: {what}.").format(what=what), "", remedy)


def _no_imports(policy: Policy) -> ForbiddenError:
    return forbidden_error(policy, tr("models from files of your own"))


def _endpoint_counts(policy: Policy, endpoint: str) -> bool:
    """Whether what was learned at this Hub ("" at none) counts. A policy that only denies accepts the metadata of any
    Hub; one that forbids imported files also forbids models of Hubs that it does not name."""
    rests_on_it = policy.endpoint is not None or policy.allow.given or policy.require_checksum or not policy.imports
    return not endpoint or not rests_on_it or endpoint in (policy.endpoint or DEFAULT_ENDPOINTS)


@dataclass(frozen=True)
class _PolicyAttribute:
    """Something that rules speak of. `names` are all that it goes by, which `deny` looks at, `vouched` those that count
    for `allow`. `own`: it is the model's own, which `allow` looks at; `claimed`: only the person says so."""

    kind: str
    names: tuple[str, ...]
    vouched: tuple[str, ...] = ()
    own: bool = True
    claimed: bool = False


def _attributes(subject: LicenseSubject) -> Iterator[_PolicyAttribute]:
    node = subject.lineage.node
    for needed in subject.needed:
        yield _PolicyAttribute("license", (needed.id,), (needed.id,), claimed=needed.id in subject.claims)
    for license_id in (*node.licenses, *(name for name, _ in subject.lineage.licenses)):
        yield _PolicyAttribute("license", (license_id,), own=False)
    for restriction in subject.lineage.restrictions:
        yield _PolicyAttribute("restriction", (restriction,), (restriction,))
    repositories = (subject.repository, node.repository, *subject.names)
    publishers = (subject.publisher, node.publisher, *map(_owner, (*repositories, node.id)))
    vouched = () if subject.own_entry else (subject.publisher,)
    yield _PolicyAttribute("publisher", publishers, (*vouched, *map(_owner, subject.origins)))
    ids = () if subject.own_entry or (subject.imported and not subject.hash_vouched) else (subject.id,)
    yield _PolicyAttribute("repository", (*repositories, subject.id, node.id), (*ids, *subject.origins))
    gate, vouched_gate = subject.gate or "", not subject.own_entry or bool(subject.endpoint)
    yield _PolicyAttribute("gate", (gate,), (gate,) if vouched_gate else ())
    copies = {node.id}
    for ancestor in reversed(subject.lineage.ancestors):  # the nearest first
        other = ancestor.node
        if ancestor.relation == "quantization" and ancestor.parent_of in copies:
            copies.add(other.id)
        if ancestor.inherits:
            yield _PolicyAttribute(
                "publisher", (other.publisher, _owner(other.repository), _owner(other.id)), own=False
            )
            yield _PolicyAttribute("repository", (other.repository, other.id), own=False)
        if ancestor.inherits and other.gate:  # the gate of what a model is a mere copy of is its own
            yield _PolicyAttribute("gate", (other.gate,), (other.gate,), own=other.id in copies)


def _unknown_base(policy: Policy, subject: LicenseSubject) -> str | None:
    """A base of which nobody can tell whether it is denied; None where there is none, or the policy itself allows what
    is unknown. One that is named by a repository is on a list of repositories and publishers, or not."""
    deny = policy.deny
    if policy.allow.license is not None and UNKNOWN_LICENSE in policy.allow.license:
        return None
    by_terms, by_name = deny.license or deny.restriction, deny.repository or deny.publisher
    for flag in subject.lineage.unknown:
        cut_off = flag.kind in ("too-deep", "cycle")
        if by_terms and (cut_off or flag.kind == "unknown-base"):
            return flag.node
        if by_name and (cut_off or (flag.kind == "unknown-base" and not is_repository_id(flag.node))):
            return flag.node
    return None


def _owner(repository: str) -> str:
    owner, slash, _ = repository.partition("/")
    return owner if slash else ""


def _alone(name: str) -> tuple[str, ...]:
    return (name,)


def _denied(listed: Iterable[str], fact: _PolicyAttribute, named: Callable[[str], Iterable[str]]) -> str:
    """The name by which a list denies it; "" where none does. An unlisted license is meant by its bare name as well."""
    known = {normalized_name(each).removeprefix(_UNLISTED) for each in listed}
    for name in fact.names:
        if any(normalized_name(other).removeprefix(_UNLISTED) in known for other in named(name) if other):
            return name
    return ""


def _allowed(listed: Iterable[str], fact: _PolicyAttribute, named: Callable[[str], Iterable[str]]) -> bool:
    if fact.claimed:
        return False
    known = {normalized_name(each) for each in listed}
    return any(normalized_name(other) in known for name in fact.vouched for other in named(name) if other)


def normalized_name(name: str) -> str:
    """A name as names are compared: whatever its letters' case and width."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _phrase(kind: str, value: str, *, claimed: bool = False) -> str:
    if claimed:
        return tr("models under the license {value}, where only you say so").format(value=value)
    phrases = {
        "license": tr("models under the license {value}"),
        "restriction": tr("models restricted by “{value}”"),
        "publisher": tr("models by {value}"),
        "repository": tr("models from {value}"),
        "gate": tr("models behind the gate “{value}”"),
    }
    return phrases[kind].format(value=value or tr("unknown"))
