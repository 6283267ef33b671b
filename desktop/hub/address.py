"""A repository as a person names it: a name, or an address pasted from a browser, becomes one value or an error."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from desktop.errors import NotFoundError, UserError
from desktop.log import redact
from desktop.network.token import origin_of
from desktop.translation import tr

DEFAULT_ENDPOINT = "https://huggingface.co"
MAIN = "main"
_EXAMPLE = "ibm-granite/granite-4.0-micro-GGUF"

_LONGEST = 2000
_OWN_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co", "www.hf.co"})
# As the Hub's own client checks them: letters, digits, "-", "_" and ".", neither of the last two doubled or outside.
_SEGMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?\Z")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,200}\Z")
_HOST = re.compile(r"[a-z0-9._\[\]:-]+\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")
_TAG = re.compile(r"[A-Za-z0-9_.-]{1,40}\Z")
_WITH_FILE = frozenset({"blob", "resolve", "raw", "blame", "edit", "delete"})
_WITH_REVISION = _WITH_FILE | {"tree", "commit", "commits"}
_OTHERS = frozenset({"datasets", "spaces", "collections", "papers", "docs", "blog", "learn", "api", "settings", "join"})


@dataclass(frozen=True)
class Repository:
    """A model repository at one endpoint. `revision` is a branch, a tag or a commit.

    `file` is the file that a pasted address points at, with slashes; `quantization` the one named behind a colon, as
    other programs write it. Both are "" where nothing of the kind was given.
    """

    endpoint: str
    id: str
    revision: str = MAIN
    file: str = ""
    quantization: str = ""

    @property
    def page(self) -> str:
        """Its address in a browser."""
        return f"{self.endpoint}/{self.id}"


def endpoint_from(environ: Mapping[str, str], setting: str = "") -> str:
    """The Hub to ask: the setting, else HF_ENDPOINT, else Hugging Face. No slash at its end.

    Raises UserError where it is no address of the web.
    """
    given = (setting or environ.get("HF_ENDPOINT", "")).strip()
    if not given:
        return DEFAULT_ENDPOINT
    try:
        parts = urlsplit(given)
        origin = origin_of(given)
    except ValueError:
        parts, origin = urlsplit(""), ""
    plain = _HOST.match(origin.partition("://")[2]) and not (parts.query or parts.fragment or "@" in parts.netloc)
    if not plain:
        raise UserError(
            tr("The address of the Hub is not one."),
            tr("It says: {text}.").format(text=_shown(redact(given))),
            tr("Give one like {example}, or none.").format(example=DEFAULT_ENDPOINT),
        )
    return origin + parts.path.rstrip("/")


def is_commit(revision: str) -> bool:
    """Whether this names one commit for ever, and not a branch that moves on."""
    return _COMMIT.match(revision) is not None


def parse_repository(text: str, endpoint: str = DEFAULT_ENDPOINT) -> Repository:
    """The repository that `text` names: "publisher/name", with ":Q4_K_M" behind it if need be, or a pasted address.

    Raises NotFoundError with the reason where it names none. An address of another host is refused, not followed.
    """
    given = text.strip().strip("<>\"'`").strip()
    if not given or len(given) > _LONGEST or any(sign.isspace() or not sign.isprintable() for sign in given):
        raise _none(given, tr("A model is named by publisher and name, with a slash between them."))
    path = _path_of(given, endpoint)
    segments = [unquote(each) for each in path.split("/") if each]
    if segments and segments[0] == "models" and len(segments) > 2:
        segments = segments[1:]
    if segments and segments[0] in _OTHERS:
        raise _none(given, tr("It leads to something else than a model."))
    if len(segments) < 2:
        raise _none(given, tr("A model is named by publisher and name, with a slash between them."))
    name, _, quantization = segments[1].partition(":")
    if quantization and (len(segments) > 2 or not _TAG.match(quantization)):
        raise _none(given, tr("What stands behind the colon is no quantization."))
    repository = f"{segments[0]}/{name}"
    if not is_repository_id(repository):
        raise _none(given, tr("No repository can be called that."))
    revision, file = _place(segments[2:], given)
    return Repository(endpoint, repository, revision, file, quantization)


def is_repository_id(text: str) -> bool:
    """Whether a repository could have this id, "publisher/name"."""
    segments = text.split("/")
    return (
        len(segments) == 2
        and all(_SEGMENT.match(each) for each in segments)
        and not any(pair in text for pair in ("--", ".."))
        and not text.endswith(".git")
    )


def resolve_url(repository: Repository, commit: str, file: str) -> str:
    """Where the Hub gives out a file of `commit`."""
    return f"{repository.endpoint}/{repository.id}/resolve/{quote(commit, safe='')}/{quote(file, safe='/')}"


def _path_of(given: str, endpoint: str) -> str:
    """What follows the host, or all of it where no host was given."""
    host, ours = "", urlsplit(endpoint)
    scheme = given.partition("://")[0].lower() if "://" in given else ""
    if scheme in ("http", "https"):
        host, path = _split(given)
    elif scheme:
        raise _none(given, tr("It is no address of the web."))
    else:
        first, _, rest = given.partition("/")
        path = given.partition("?")[0].partition("#")[0]
        if first.lower() in (*_OWN_HOSTS, ours.netloc.lower()):
            host, path = first.lower(), rest.partition("?")[0].partition("#")[0]
    if host and host not in (*_OWN_HOSTS, ours.netloc.lower()):
        raise _none(
            given,
            tr("It leads to {host}; models are fetched from {endpoint} only.").format(
                host=_shown(host), endpoint=ours.netloc
            ),
        )
    # A Hub may lie under a path of its host.
    below = ours.path.strip("/")
    path = path.strip("/")
    return path[len(below) :] if below and host and path.startswith(f"{below}/") else path


def _split(given: str) -> tuple[str, str]:
    """Host with its port where that is not the usual one, and path, of an address."""
    try:
        parts = urlsplit(given)
        return origin_of(given).partition("://")[2], parts.path
    except (ValueError, UnicodeError) as error:
        raise _none(given, tr("It is no address of the web.")) from error


def _place(rest: list[str], given: str) -> tuple[str, str]:
    """Revision and file of what follows the repository: "tree/main", "blob/main/model.gguf"."""
    if len(rest) < 2 or rest[0] not in _WITH_REVISION:
        return MAIN, ""
    revision = rest[1]
    if not _REVISION.match(revision) or ".." in revision:
        raise _none(given, tr("It names no version of a repository."))
    return revision, "/".join(rest[2:]) if rest[0] in _WITH_FILE else ""


def _shown(text: str) -> str:
    """`text` as part of a sentence: short, and nothing in it that cannot be seen."""
    visible = "".join(sign if sign.isprintable() else "�" for sign in text)
    return visible if len(visible) <= 120 else visible[:119] + "…"


def _none(given: str, why: str) -> NotFoundError:
    title = tr("“{text}” names no model on the Hub.").format(text=_shown(given)) if given else tr("No model is named.")
    remedy = tr("Write a name such as {example}, or paste its address.").format(example=_EXAMPLE)
    return NotFoundError(title, why, remedy)
