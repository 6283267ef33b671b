"""A repository as a person names it: a name, or an address pasted from a browser, becomes one value or an error."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from desktop.catalog.repository_name import MAIN, is_repository_id, parse_repository_name, shown_name, validated_name
from desktop.errors import NetworkError
from desktop.hub.pasted_line import other_program_error, parse_pasted_line
from desktop.network.access_token import origin_of
from desktop.translation import tr

__all__ = [
    "DEFAULT_ENDPOINT",
    "MAIN",
    "Repository",
    "endpoint_from",
    "is_commit",
    "is_repository_id",
    "parse_repository",
    "resolve_url",
]

DEFAULT_ENDPOINT = "https://huggingface.co"
_HOST = re.compile(r"[a-z0-9._\[\]:-]+\Z")
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


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

    Raises NetworkError where it is no address of the web.
    """
    given = setting.strip() or environ.get("HF_ENDPOINT", "").strip()
    if not given:
        return DEFAULT_ENDPOINT
    try:
        parts = urlsplit(given)
        origin = origin_of(given)
    except ValueError:
        parts, origin = urlsplit(""), ""
    plain = _HOST.match(origin.partition("://")[2]) and not (parts.query or parts.fragment or "@" in parts.netloc)
    if not plain:
        says = tr("The setting says: {text}.") if setting.strip() else tr("HF_ENDPOINT says: {text}.")
        raise NetworkError(
            tr("The address of the Hub is not one."),
            says.format(text=shown_name(given)),
            tr("Give one like {example}, or none.").format(example=DEFAULT_ENDPOINT),
        )
    return origin + parts.path.rstrip("/")


def is_commit(revision: str) -> bool:
    """Whether this names one commit for ever, and not a branch that moves on."""
    return _COMMIT.match(revision) is not None


def parse_repository(text: str, endpoint: str = DEFAULT_ENDPOINT) -> Repository:
    """The repository that `text` names: "publisher/name", with ":Q4_K_M" behind it if need be, a pasted address, or a
    command line of another program that fetches it.

    Raises NotFoundError with the reason where it names none. An address of another host is refused, not followed.
    """
    ours = urlsplit(endpoint)
    line = parse_pasted_line(text)
    if line.other_program:
        raise other_program_error(line)
    name = parse_repository_name(line.name, ours.netloc, ours.path)
    name = validated_name(replace(name, revision=line.revision or name.revision, file=line.file or name.file), text)
    return Repository(endpoint, name.id, name.revision, name.file, name.quantization)


def resolve_url(repository: Repository, commit: str, file: str) -> str:
    """Where the Hub gives out a file of `commit`."""
    return f"{repository.endpoint}/{repository.id}/resolve/{quote(commit, safe='')}/{quote(file, safe='/')}"
