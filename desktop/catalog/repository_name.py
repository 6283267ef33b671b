"""The name of a model's repository on the Hub, read from every spelling of it: one parser for all that name one.

Files name their base by it, cards too, policies forbid it, people paste it. What cannot be read raises one error.
"""

import re
from dataclasses import dataclass

from desktop.errors import NotFoundError
from desktop.log import redact
from desktop.safe_text import mark_unseen
from desktop.translation import tr

HUB = "huggingface.co"
MAIN = "main"
HUB_HOSTS = frozenset({HUB, "hf.co"})
_EXAMPLE = "ibm-granite/granite-4.0-micro-GGUF"

_LONGEST = 2000
# As the Hub's own client checks them: letters, digits, "-", "_" and ".", neither of the last two doubled or outside.
_SEGMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?\Z")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,200}\Z")
_TAG = re.compile(r"[A-Za-z0-9_.-]{1,200}\Z")
_QUANTIZATION = re.compile(r"(?:UD-)?(?:I?Q[1-8]|TQ[12]_|BF16|FP?16|FP?32|MXFP4|NVFP4)", re.IGNORECASE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP = re.compile(r"[\w.-]+@([^:/@]+):(?!//)(.+)\Z")
_HOST = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^\[\]:]+)(?::(?P<port>\d{0,5}))?\Z")
_SHOWN_FILE = re.compile(r"(?:^|&)show_file_info=([^&]+)")
_WEB = frozenset({"http", "https"})
_CLONED = frozenset({"git", "ssh", "git+ssh", "git+http", "git+https", "oci", "docker"})
_OF_HUB = frozenset({"hf", "huggingface"})
_USUAL_PORTS = {"http": ("80",), "https": ("443",)}
_WITH_FILE = frozenset({"blob", "resolve", "raw", "blame", "edit", "delete"})
_WITH_REVISION = _WITH_FILE | {"tree", "commit", "commits"}
_OTHERS = frozenset({"datasets", "spaces", "collections", "papers", "docs", "blog", "learn", "api", "settings", "join"})
# What is drawn as nothing, and comes along from pages and editors.
_UNSEEN = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_AROUND = _UNSEEN + "\u200e\u200f\u202a\u202c\u2068\u2069"
_MARKS = "<>\"'`“”„‘’‚«»‹›()[]{},;!?*|。、，…"
# Letters of full width, as some keyboards write them, and hyphens that are no others than the plain one.
_PLAIN: dict[int, str | None] = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_PLAIN |= {0x3000: " ", 0x2010: "-", 0x2011: "-"} | dict.fromkeys(map(ord, _UNSEEN))


@dataclass(frozen=True)
class RepositoryName:
    """A repository's `id` ("publisher/name", in the letters it was given in: ids are compared without regard to case).

    `revision` is a branch, a tag or a commit; `file` the file that an address points at, with slashes; `quantization`
    the one named behind a colon, as other programs write it. Both are "" where nothing of the kind was given.
    """

    id: str
    revision: str = MAIN
    file: str = ""
    quantization: str = ""


@dataclass(frozen=True)
class _RepositoryAddress:
    """What was given, taken apart. `addressed` says that a host or a scheme of the Hub stood before the path."""

    path: str
    query: str = ""
    addressed: bool = False
    of_hub: bool = False


def parse_repository_name(text: str, hub: str | None = HUB, folder: str = "") -> RepositoryName:
    """The repository that `text` names: "publisher/name", with ":Q4_K_M" behind it if need be, or an address.

    `hub` is the host (with its port where that is not the usual one) of the Hub whose addresses count beside those of
    the usual one, and `folder` the path under which that Hub lies. With None, addresses of any host count.
    Raises NotFoundError, and nothing else, with the reason where it names none.
    """
    given = strip_decoration(text)
    if not given or len(given) > _LONGEST or any(sign.isspace() or not sign.isprintable() for sign in given):
        raise no_repository_error(given, _without_slash())
    address = _address(given, hub, folder)
    segments = [_decoded(each) for each in address.path.split("/") if each]
    while segments and segments[0].lower().removeprefix("www.") in HUB_HOSTS:  # an address pasted behind another
        segments = segments[1:]
    if segments and segments[0].lower() == "api" and [each.lower() for each in segments[1:2]] == ["models"]:
        segments = segments[1:]
    if segments and segments[0].lower() == "models" and len(segments) > 2:
        segments = segments[1:]
    if segments and segments[0].lower() in _OTHERS:
        raise no_repository_error(given, tr("It leads to something else than a model."))
    if len(segments) < 2:
        raise no_repository_error(given, _without_slash())
    return _named(segments, address, given)


def is_repository_id(text: str) -> bool:
    """Whether a repository could have this id, "publisher/name"."""
    segments = text.split("/")
    return (
        len(segments) == 2
        and all(_SEGMENT.match(each) for each in segments)
        and not any(pair in text for pair in ("--", ".."))
        and not text.lower().endswith(".git")
    )


def repository_id(text: str) -> str:
    """The id of the repository that `text` names; "" where it names none."""
    try:
        return parse_repository_name(text).id
    except NotFoundError:
        return ""


def strip_decoration(text: str) -> str:
    """`text` without what pages, editors and messages put around it, in plain letters where those are meant."""
    text = text.translate(_PLAIN)
    start, end = 0, len(text)
    while end and (_surrounds(text[end - 1]) or _is_full_stop(text[max(0, end - 2) : end])):
        end -= 1
    while start < end and _surrounds(text[start]):
        start += 1
    return text[start:end]


def _surrounds(sign: str) -> bool:
    return sign.isspace() or sign in _AROUND or sign in _MARKS


def _is_full_stop(last: str) -> bool:
    """Whether the last of two signs ends a sentence, and is no part of a path."""
    return len(last) == 2 and last[1] in ".:" and not last[0].isspace() and last[0] not in "./:"


def no_repository_error(given: str, why: str) -> NotFoundError:
    """`given` names no model on the Hub, and why."""
    shown = shown_name(given)
    title = tr("“{text}” names no model on the Hub.").format(text=shown) if shown else tr("No model is named.")
    remedy = tr("Write a name such as {example}, or paste its address.").format(example=_EXAMPLE)
    return NotFoundError(title, why, remedy)


def shown_name(text: str) -> str:
    """`text` as part of a sentence: short, and nothing in it that cannot be seen or is secret."""
    return mark_unseen(redact(text[: 2 * _LONGEST]), 120)


def _without_slash() -> str:
    return tr("A model is named by publisher and name, with a slash between them.")


def _named(segments: list[str], address: _RepositoryAddress, given: str) -> RepositoryName:
    name, colon, tag = segments[1].partition(":")
    name, at, version = name.partition("@")
    if address.addressed and name.lower().endswith(".git"):
        name = name[:-4]
    if not is_repository_id(f"{segments[0]}/{name}"):
        raise no_repository_error(given, tr("No repository can be called that."))
    rest = segments[2:]
    if colon and (rest or not _TAG.match(tag) or ".." in tag):
        raise no_repository_error(given, tr("What stands behind the colon is no quantization."))
    quantization = "" if tag.lower() == "latest" else tag
    if at and not address.of_hub and _QUANTIZATION.match(version):
        quantization, version = quantization or version, ""
    revision, file = _place(rest, given)
    if not file and (shown := _SHOWN_FILE.search(address.query)):
        file = _decoded(shown[1])
    if version and not _REVISION.match(version):
        raise no_repository_error(given, tr("It names no version of a repository."))
    return validated_name(RepositoryName(f"{segments[0]}/{name}", version or revision, file, quantization), given)


def validated_name(name: RepositoryName, given: str) -> RepositoryName:
    """`name`, whose revision and file could be those of a repository. Raises NotFoundError where they could not."""
    if not _REVISION.match(name.revision) or ".." in name.revision:
        raise no_repository_error(given, tr("It names no version of a repository."))
    parts = name.file.split("/")
    if "\\" in name.file or ".." in parts or (name.file and not parts[0]) or not name.file.isprintable():
        raise no_repository_error(given, tr("No file can be called that."))
    return name


def _address(given: str, hub: str | None, folder: str) -> _RepositoryAddress:
    """Path and query of `given`. Raises NotFoundError for another host's address."""
    scheme, rest = "", given
    if match := _SCHEME.match(given):
        scheme, rest = match[1].lower(), given[match.end() :]
    elif given.startswith("//"):
        scheme, rest = "https", given[2:]
    elif match := _SCP.match(given):
        scheme, rest = "ssh", f"{match[1]}/{match[2]}"
    rest = rest.partition("#")[0]
    path, _, query = rest.partition("?")
    if scheme and scheme not in _WEB | _CLONED | _OF_HUB:
        raise no_repository_error(given, tr("It is no address of the web."))
    hosts = {*HUB_HOSTS, _host(hub or "", "")}
    first, _, below = path.partition("/")
    host = _host(first, scheme)
    ours = host is not None and host in hosts
    if scheme in _OF_HUB:
        return _RepositoryAddress(below if ours else path, query, addressed=True, of_hub=True)
    if not scheme and not ours:
        if given.startswith("/"):
            raise no_repository_error(given, tr("It is the path of a file, and no name."))
        # Without a scheme nothing but its dots tells a host from a publisher.
        foreign = hub is None and host is not None and "." in host and below.count("/") >= 1
        return _RepositoryAddress(below if foreign else path, query, addressed=foreign)
    if host is None:
        raise no_repository_error(given, tr("It is no address of the web."))
    if not ours and hub is not None:
        raise no_repository_error(
            given,
            tr("It leads to {host}; models are fetched from {endpoint} only.").format(
                host=shown_name(host), endpoint=hub
            ),
        )
    # A Hub may lie under a path of its host.
    folder, below = folder.strip("/"), below.strip("/")
    inside = folder and host not in HUB_HOSTS and below.startswith(f"{folder}/")
    return _RepositoryAddress(below[len(folder) :] if inside else below, query, addressed=True)


def _host(place: str, scheme: str) -> str | None:
    """Host of an address in its one spelling, with its port where that is not the usual one; None where it is none.
    Whoever is named before an @ is no part of it."""
    match = _HOST.match(place.rpartition("@")[2].lower())
    if match is None:
        return None
    host, port = match["host"].rstrip(".").removeprefix("www."), (match["port"] or "").lstrip("0")
    usual = _USUAL_PORTS.get(scheme, ("80", "443", "22"))
    return host + (f":{port}" if port and port not in usual else "")


def _decoded(segment: str) -> str:
    """A segment of a path without its percent signs; what is no UTF-8 becomes a sign that no name has."""
    if "%" not in segment:
        return segment
    data = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode()), segment.encode())
    return data.decode("utf-8", "replace")


def _place(rest: list[str], given: str) -> tuple[str, str]:
    """Revision and file of what follows the repository: "tree/main", "blob/main/model.gguf", "model.gguf"."""
    if any(part == ".." for each in rest for part in each.split("/")):
        raise no_repository_error(given, tr("It names no version of a repository."))
    if rest and rest[-1].lower().endswith(".gguf") and rest[0] not in _WITH_REVISION:
        return MAIN, "/".join(rest)
    if len(rest) < 2 or rest[0] not in _WITH_REVISION:
        return MAIN, ""
    return rest[1], "/".join(rest[2:]) if rest[0] in _WITH_FILE else ""
