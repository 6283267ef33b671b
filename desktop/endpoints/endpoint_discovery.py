"""What an endpoint says of its models: which there are, how much each reads, whether it sees.

OpenAI's `/v1/models` names them. How long a context is has no standard: it stands there as `max_model_len` (vLLM,
SGLang), `meta.n_ctx` (llama.cpp) or `context_length` (Unsloth and others), or elsewhere: `/props` (llama.cpp),
`/api/v1/models` (LM Studio), `/api/ps` (Ollama). Where none says, it is not known, and nothing is put in its place.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from desktop.endpoints.endpoint import LARGEST_CONTEXT, MOST_MODELS, EndpointModel, is_model_id
from desktop.endpoints.endpoint_client import EndpointClient
from desktop.endpoints.endpoint_errors import unusable_answer
from desktop.errors import NotFoundError
from desktop.network.url import parse_url
from desktop.translation import tr

_OWNERS = {
    "vllm": "vLLM",
    "sglang": "SGLang",
    "llamacpp": "llama.cpp",
    "library": "Ollama",
    "organization_owner": "LM Studio",
    "latchkey": "Latchkey",
}
"""Programs by the word in `owned_by`."""
_Found = dict[str, EndpointModel]


@dataclass(frozen=True)
class Discovery:
    """What was found at an endpoint, and the program that seems to answer there ("" not known). `left_out` counts
    models whose names cannot be shown, that are named twice, or that are too many."""

    models: tuple[EndpointModel, ...]
    kind: str
    left_out: int


def discover(client: EndpointClient, address: str) -> Discovery:
    """Ask the endpoint at `address` what it has. Raises UserError; NotFoundError where it has no model."""
    url = parse_url(address)
    told = client.get_json(url.authority, f"{address}/models")
    listed = told.get("data", told.get("models"))
    if not isinstance(listed, list):
        raise unusable_answer(url.authority, "no list of models")
    found: _Found = {}
    for each in listed:
        model = _listed(each)
        if model is not None and model.id not in found and len(found) < MOST_MODELS:
            found[model.id] = model
    if not found:
        raise NotFoundError(
            tr("{host} lists no model.").format(host=url.authority), "", tr("Load one there, and try again.")
        )
    kind = next((_OWNERS[name] for each in listed if (name := _owner(each)) in _OWNERS), "")
    root = url.origin + url.target.removesuffix("/").removesuffix("/v1")
    probes: tuple[tuple[str, str, Callable[[_Found, Mapping[str, Any]], _Found]], ...] = (
        ("llama.cpp", "/props", _with_props),
        ("LM Studio", "/api/v1/models", _with_lm_studio),
        ("Ollama", "/api/ps", _with_ollama),
    )
    for program, path, read in probes:
        if all(each.context_length for each in found.values()) or kind not in ("", program):
            continue
        if (said := client.find_json(root + path)) is not None and (more := read(found, said)) != found:
            found, kind = more, kind or program
    return Discovery(tuple(found.values()), kind, len(listed) - len(found))


def _listed(each: object) -> EndpointModel | None:
    if not isinstance(each, dict) or not isinstance(each.get("id"), str) or not is_model_id(each["id"]):
        return None
    meta = each.get("meta")
    lengths = (each.get("max_model_len"), _in(meta, "n_ctx"), each.get("context_length"))
    return EndpointModel(each["id"], next((c for each in lengths if (c := _length(each))), None), _sees(each))


def _sees(each: Mapping[str, Any]) -> bool | None:
    """Whether it is said to see: in `capabilities` as a list (llama.cpp), or among the kinds of input (OpenRouter)."""
    said = each.get("capabilities")
    if isinstance(said, dict) and isinstance(said.get("vision"), bool):
        return bool(said["vision"])
    kinds = _in(each.get("architecture"), "input_modalities")
    if isinstance(kinds, list):
        return "image" in kinds
    return True if isinstance(said, list) and {"multimodal", "vision"} & {str(one) for one in said} else None


def _owner(each: object) -> str:
    owner = each.get("owned_by") if isinstance(each, dict) else None
    return owner.casefold() if isinstance(owner, str) else ""


def _with_props(found: _Found, said: Mapping[str, Any]) -> _Found:
    """llama.cpp speaks of the one model that it has loaded."""
    length = _length(_in(said.get("default_generation_settings"), "n_ctx")) or _length(said.get("n_ctx"))
    sees = _in(said.get("modalities"), "vision")
    if len(found) != 1 or not length:
        return found
    (model,) = found.values()
    return {model.id: EndpointModel(model.id, length, sees if isinstance(sees, bool) else model.sees_images)}


def _with_lm_studio(found: _Found, said: Mapping[str, Any]) -> _Found:
    """LM Studio names its models by `key`; the context is that of an instance that is loaded."""
    more = dict(found)
    for each in _objects(said.get("models")):
        for name in (each.get("key"), *(one.get("id") for one in _objects(each.get("loaded_instances")))):
            if isinstance(name, str) and name in found:
                loaded = [_in(one.get("config"), "context_length") for one in _objects(each.get("loaded_instances"))]
                lengths = [length for one in loaded if (length := _length(one))]
                known = found[name]
                sees = _sees(each)
                more[name] = EndpointModel(
                    name,
                    known.context_length or min(lengths, default=None),
                    known.sees_images if sees is None else sees,
                )
    return more


def _with_ollama(found: _Found, said: Mapping[str, Any]) -> _Found:
    """Ollama says it of the models that are loaded."""
    more = dict(found)
    for each in _objects(said.get("models")):
        name, length = each.get("name"), _length(each.get("context_length"))
        if isinstance(name, str) and name in found and length and not found[name].context_length:
            more[name] = EndpointModel(name, length, found[name].sees_images)
    return more


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def _in(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _length(value: object) -> int | None:
    """A count of tokens that can be one; None for anything else."""
    return value if type(value) is int and 0 < value <= LARGEST_CONTEXT else None
