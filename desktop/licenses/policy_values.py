"""The values in a policy, checked: a name that nothing answers to would forbid nothing, and nobody would notice.

What is a fixed word (a gate, a restriction, a purpose) is checked where the file is read. Here are names: each in its
plain form, written once, and known where there is a list of those that are.
"""

import difflib
from collections.abc import Iterable

import msgspec

from desktop.catalog.entries import Catalog
from desktop.catalog.repository_name import parse_repository_name, repository_id
from desktop.errors import NotFoundError, UserError
from desktop.licenses.policy import Policy, Rules, plain
from desktop.translation import tr

_UNLISTED = "licenseref-"
# The names that the Hub has for licenses, as its documentation lists them, beside those of the catalog.
_AT_THE_HUB = frozenset((
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


def checked(policy: Policy, catalog: Catalog | None) -> Policy:
    """`policy` with every name in its plain form. Raises ValueError, with a reason, for the first that cannot be right.

    Licenses and models are compared with `catalog`; without one their form alone is looked at.
    """
    _once("purpose", policy.purpose)
    return msgspec.structs.replace(
        policy,
        endpoint=_endpoints(policy.endpoint),
        allow=_rules("allow", policy.allow, catalog),
        deny=_rules("deny", policy.deny, catalog),
    )


def _rules(table: str, rules: Rules, catalog: Catalog | None) -> Rules:
    for key in Rules.__struct_fields__:
        _once(f"{table}.{key}", getattr(rules, key))
    for value in rules.license or ():
        _check_license(f"{table}.license", value, catalog)
    repositories = rules.repository
    if repositories is not None:
        where = f"{table}.repository"
        repositories = tuple(_repository(where, value, catalog) for value in repositories)
        _once(where, repositories)
    publishers = rules.publisher
    if publishers is not None:
        publishers = tuple(_publisher(f"{table}.publisher", value) for value in publishers)
        _once(f"{table}.publisher", publishers)
    return msgspec.structs.replace(rules, repository=repositories, publisher=publishers)


def _once(where: str, values: Iterable[str] | None) -> None:
    """Raise for a value that is none, has something unseen around it, or stands there twice."""
    seen: set[str] = set()
    for value in values or ():
        if not value or value != value.strip() or not value.isprintable():
            raise ValueError(tr("“{value}” in {where} is no name").format(value=_shown(value), where=where))
        if plain(value) in seen:
            raise ValueError(tr("“{value}” stands twice in {where}").format(value=_shown(value), where=where))
        seen.add(plain(value))


def _check_license(where: str, value: str, catalog: Catalog | None) -> None:
    if catalog is None or not catalog.license:
        return
    unlisted = plain(value).startswith(_UNLISTED) and value.isascii() and " " not in value
    if unlisted or catalog.find_license(value) is not None or value.casefold() in _AT_THE_HUB:
        return
    names = [name for each in catalog.license for name in (each.id, *each.hub_ids)]
    reason = tr("no license is called “{value}” ({where})").format(value=_shown(value), where=where)
    if near := _nearest(value, [*names, *_AT_THE_HUB]):
        reason += tr(", is {name} meant?").format(name=near)
    raise ValueError(reason + " " + tr("One that is on no list is written as LicenseRef- and its name"))


def _repository(where: str, value: str, catalog: Catalog | None) -> str:
    """A repository by its plain name, from whatever address; a model of the catalog by its id."""
    try:
        return parse_repository_name(value).id
    except NotFoundError as error:
        entries = catalog.model if catalog is not None else ()
        for entry in entries:
            if entry.id == plain(value):
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
    from desktop.hub.address import endpoint_from  # it brings the network along, which few policies need

    _once("endpoint", values)
    found = []
    for value in values:
        try:
            found.append(endpoint_from({}, value))
        except UserError as error:
            reason = tr("“{value}” in {where} is no address of a Hub").format(value=_shown(value), where="endpoint")
            raise ValueError(reason) from error
    return tuple(found)


def _nearest(value: str, names: Iterable[str]) -> str:
    by_key = {plain(name): name for name in reversed(list(names))}  # the first of those that read the same
    found = difflib.get_close_matches(plain(value), by_key, 1, 0.6)
    return by_key[found[0]] if found else ""


def _shown(value: str) -> str:
    visible = "".join(sign if sign.isprintable() else "�" for sign in value)
    return visible if len(visible) <= 80 else visible[:79] + "…"
