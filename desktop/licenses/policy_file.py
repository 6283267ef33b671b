"""The policies of a machine, read from their files: the one at the fixed place, and those that are named besides.

Each value of a file is checked. Whatever keeps a file from being read as a policy forbids everything: that it may not
be read, that it is a folder, a pipe or a device, that a link on the way to it leads nowhere. Only where there is
nothing at all is there no policy.
"""

import difflib
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from desktop.catalog.catalog import Catalog
from desktop.catalog.repository_name import parse_repository_name, repository_id
from desktop.catalog.toml_file import read_toml
from desktop.errors import ForbiddenError, NotFoundError, UserError
from desktop.licenses.policy import CombinedPolicy, Policy, PolicyRules, normalized_name
from desktop.network.url import parse_url
from desktop.paths import further_policies
from desktop.safe_text import mark_unseen
from desktop.translation import tr

_UNLISTED = "licenseref-"
# The names that the Hub has for licenses, as its documentation lists them, beside those of the catalog.
_HUB_LICENSE_IDS = frozenset((
    "afl-3.0", "agpl-3.0", "apache-2.0", "apple-amlr", "apple-ascl", "artistic-2.0", "bigcode-openrail-m",
    "bigscience-bloom-rail-1.0", "bigscience-openrail-m", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear",
    "bsl-1.0", "c-uda", "cc", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0",
    "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0",
    "cc-by-nd-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0",
    "cdla-sharing-1.0", "creativeml-openrail-m", "deepfloyd-if-license", "ecl-2.0", "epl-1.0", "epl-2.0", "etalab-2.0",
    "eupl-1.1", "eupl-1.2", "fair-noncommercial-research-license", "gemma", "gfdl", "gpl", "gpl-2.0", "gpl-3.0",
    "grok2-community", "h-research", "intel-research", "isc", "lgpl", "lgpl-2.1", "lgpl-3.0", "lgpl-lr", "llama2",
    "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4", "lppl-1.3c", "mit", "mpl-2.0", "ms-pl", "ncsa", "odbl",
    "odc-by", "ofl-1.1", "openmdw-1.0", "openmdw-1.1", "openrail", "openrail++", "osl-3.0", "other", "pddl",
    "postgresql", "unknown", "unlicense", "wtfpl", "zlib",
))  # fmt: skip
_LARGEST = 1 << 20
_Stamp = tuple[int, ...]


def validated_policy(policy: Policy, catalog: Catalog | None) -> Policy:
    """`policy` with every name in its plain form. Raises ValueError, with a reason, for the first that cannot be right.

    Licenses and models are compared with `catalog`; without one their form alone is looked at.
    """
    _require_unique("purpose", policy.purpose)
    return msgspec.structs.replace(
        policy,
        endpoint=_endpoints(policy.endpoint),
        allow=_rules("allow", policy.allow, catalog),
        deny=_rules("deny", policy.deny, catalog),
    )


def _rules(table: str, rules: PolicyRules, catalog: Catalog | None) -> PolicyRules:
    for key in PolicyRules.__struct_fields__:
        _require_unique(f"{table}.{key}", getattr(rules, key))
    for value in rules.license or ():
        _check_license(f"{table}.license", value, catalog)
    if table == "allow" and rules.tool is not None:  # a server's name is the person's choice, and vouches for nothing
        raise ValueError(tr("tools can be denied, not allowed: “tool” stands in [deny] only"))
    repositories = rules.repository
    if repositories is not None:
        where = f"{table}.repository"
        repositories = tuple(_repository(where, value, catalog) for value in repositories)
        _require_unique(where, repositories)
    publishers = rules.publisher
    if publishers is not None:
        publishers = tuple(_publisher(f"{table}.publisher", value) for value in publishers)
        _require_unique(f"{table}.publisher", publishers)
    hosts = rules.host
    if hosts is not None:
        hosts = tuple(_host(f"{table}.host", value) for value in hosts)
        _require_unique(f"{table}.host", hosts)
    return msgspec.structs.replace(rules, repository=repositories, publisher=publishers, host=hosts)


def _host(where: str, value: str) -> str:
    """A host in its one spelling, with a port or without; "*" for all."""
    try:
        url = parse_url(f"https://{value}") if value != "*" else None
        if url is None or url.target == "/":
            return "*" if url is None else url.authority
    except ValueError:
        pass
    raise ValueError(tr("“{value}” in {where} is no host").format(value=_shown(value), where=where))


def _require_unique(where: str, values: Iterable[str] | None) -> None:
    """Raise for a value that is none, has something unseen around it, or stands there twice."""
    seen: set[str] = set()
    for value in values or ():
        if not value or value != value.strip() or not value.isprintable():
            raise ValueError(tr("“{value}” in {where} is no name").format(value=_shown(value), where=where))
        if normalized_name(value) in seen:
            raise ValueError(tr("“{value}” stands twice in {where}").format(value=_shown(value), where=where))
        seen.add(normalized_name(value))


def _check_license(where: str, value: str, catalog: Catalog | None) -> None:
    if catalog is None or not catalog.license:
        return
    unlisted = normalized_name(value).startswith(_UNLISTED) and value.isascii() and " " not in value
    if unlisted or catalog.find_license(value) is not None or value.casefold() in _HUB_LICENSE_IDS:
        return
    names = [name for each in catalog.license for name in (each.id, *each.hub_ids)]
    reason = tr("no license is called “{value}” ({where})").format(value=_shown(value), where=where)
    if near := _nearest(value, [*names, *_HUB_LICENSE_IDS]):
        reason += tr(", is {name} meant?").format(name=near)
    raise ValueError(reason + " " + tr("One that is on no list is written as LicenseRef- and its name"))


def _repository(where: str, value: str, catalog: Catalog | None) -> str:
    """A repository by its plain name, from whatever address; a model of the catalog by its id."""
    try:
        return parse_repository_name(value).id
    except NotFoundError as error:
        entries = catalog.model if catalog is not None else ()
        for entry in entries:
            if entry.id == normalized_name(value):
                return entry.id
        reason = tr("“{value}” in {where} names no repository").format(value=_shown(value), where=where)
        if near := _nearest(value, [each.id for each in entries]):
            reason += tr(", is {name} meant?").format(name=near)
        raise ValueError(reason) from error


def _publisher(where: str, value: str) -> str:
    """A publisher by its name, in whatever words, or by the address of its page at the Hub."""
    if "/" not in value and not value.startswith("@"):
        return value
    owner, _, name = repository_id(f"{value.rstrip('/')}/name").partition("/")
    if name != "name":
        raise ValueError(tr("“{value}” in {where} names no publisher").format(value=_shown(value), where=where))
    return owner


def _endpoints(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The addresses of Hubs, each in its one spelling."""
    if values is None:
        return None
    from desktop.hub.repository import endpoint_from  # it brings the network along, which few policies need

    _require_unique("endpoint", values)
    found = []
    for value in values:
        try:
            found.append(endpoint_from({}, value))
        except UserError as error:
            reason = tr("“{value}” in {where} is no address of a Hub").format(value=_shown(value), where="endpoint")
            raise ValueError(reason) from error
    return tuple(found)


def _nearest(value: str, names: Iterable[str]) -> str:
    by_key = {normalized_name(name): name for name in reversed(list(names))}  # the first of those that read the same
    found = difflib.get_close_matches(normalized_name(value), by_key, 1, 0.6)
    return by_key[found[0]] if found else ""


def _shown(value: str) -> str:
    return mark_unseen(value, 80)


class PolicySource(Protocol):
    """Where the policy in force comes from."""

    @property
    def exists(self) -> bool: ...

    def current(self) -> Policy | CombinedPolicy: ...


class PolicyFile:
    """One policy, read anew whenever its file changed. `path` is None where none can be set.

    `required`: it has to be there. `catalog` gives the catalog that names of licenses and models are checked against.
    """

    def __init__(
        self, path: Path | None, *, required: bool = False, catalog: Callable[[], Catalog | None] = lambda: None
    ) -> None:
        self.path = path
        self._required = required
        self._catalog = catalog
        self._read: tuple[_Stamp, Policy | ForbiddenError] | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a policy at all, in order or not."""
        return self.path is not None and (self._required or self._stamp(self.path) is not None)

    def current(self) -> Policy:
        """The policy. Raises ForbiddenError where there is one that does not hold: nothing may be loaded."""
        if self.path is None:
            return Policy()
        stamp = self._stamp(self.path)
        if stamp is None:
            if self._required:
                raise _broken(self.path, tr("it does not exist"))
            return Policy()
        if isinstance(stamp, ForbiddenError):
            raise stamp
        if self._read is None or self._read[0] != stamp:
            self._read = (stamp, self._read_now(self.path))
        if isinstance(self._read[1], ForbiddenError):
            raise self._read[1].with_traceback(None)
        return self._read[1]

    def _stamp(self, path: Path) -> _Stamp | ForbiddenError | None:
        """What differs once the file may be another; None where there is none, the error where nobody can tell."""
        try:
            status = path.stat()
        except FileNotFoundError:
            return _broken(path, tr("a link on the way there leads nowhere")) if _is_behind_dead_link(path) else None
        except (OSError, ValueError) as error:
            return _broken(path, getattr(error, "strerror", None) or str(error))
        if not stat.S_ISREG(status.st_mode):
            return _broken(path, tr("it is no file"))
        return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def _read_now(self, path: Path) -> Policy | ForbiddenError:
        try:
            return validated_policy(msgspec.convert(read_toml(path, _LARGEST)[1], Policy), self._catalog())
        except OSError as error:
            return _broken(path, error.strerror or str(error))
        except ValueError as error:  # not UTF-8, not TOML, or not a policy
            return _broken(path, str(error))


class PolicyFiles:
    """All policies of a machine: what one of them forbids is forbidden, and one that does not hold forbids all."""

    def __init__(self, files: Sequence[PolicyFile]) -> None:
        self.files = tuple(files)

    @property
    def exists(self) -> bool:
        """Whether there is any."""
        return any(each.exists for each in self.files)

    def current(self) -> CombinedPolicy:
        """What they say now. Raises ForbiddenError where one of them does not hold."""
        return CombinedPolicy(tuple(each.current() for each in self.files if each.exists))


def find_policies(
    environ: Mapping[str, str], system: Path, *, catalog: Callable[[], Catalog | None] = lambda: None
) -> PolicyFiles:
    """The policy at `system`, the fixed place, which need not be there and which nothing takes off; besides it those in
    the environment's folders for system-wide settings; and what `LATCHKEY_POLICY` names, which has to be there."""
    files = [PolicyFile(each, catalog=catalog) for each in dict.fromkeys((system, *further_policies(environ)))]
    if named := environ.get("LATCHKEY_POLICY"):
        files.append(PolicyFile(Path(named), required=True, catalog=catalog))
    return PolicyFiles(files)


def _is_behind_dead_link(path: Path) -> bool:
    """Whether `path`, where nothing is, or a folder above it is a link that leads nowhere. What is nearest and there
    tells: were it itself reached through such a link, it would not be there."""
    nearest = path
    while nearest != nearest.parent:
        try:
            return stat.S_ISLNK(nearest.lstat().st_mode) and not nearest.exists()
        except (FileNotFoundError, NotADirectoryError):
            nearest = nearest.parent
    return False


def _broken(path: Path, reason: str) -> ForbiddenError:
    return ForbiddenError(
        tr("Your organization's policy cannot be read, so no model may be loaded."),
        tr("{file}: {reason}.").format(file=path, reason=reason.rstrip(".")),
        tr("Ask whoever manages this computer to mend the file."),
    )
