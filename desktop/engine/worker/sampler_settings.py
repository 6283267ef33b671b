"""The values in force for choosing tokens: what was asked for, else what the model's file says, else llama-server's."""

import math
import secrets
from typing import Any, get_args

import msgspec

from desktop.engine.generation_options import SamplerName, SamplingParams
from desktop.engine.worker.llama_api import metadata

DEFAULTS = SamplingParams(
    temperature=0.8,
    top_k=40,
    top_p=0.95,
    min_p=0.05,
    typical_p=1.0,
    top_n_sigma=-1.0,
    xtc_probability=0.0,
    xtc_threshold=0.1,
    repeat_penalty=1.0,
    repeat_last_n=64,
    presence_penalty=0.0,
    frequency_penalty=0.0,
    dry_multiplier=0.0,
    dry_base=1.75,
    dry_allowed_length=2,
    dry_penalty_last_n=-1,
    dry_sequence_breakers=("\n", ":", '"', "*"),
    dynatemp_range=0.0,
    dynatemp_exponent=1.0,
    mirostat=0,
    mirostat_tau=5.0,
    mirostat_eta=0.1,
    adaptive_target=-1.0,
    adaptive_decay=0.9,
    min_keep=0,
    samplers=("penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"),
)
# gguf-py's names of what a file may say about sampling (common_init_sampler_from_model in llama.cpp's common.cpp).
_IN_FILE = {
    "temperature": "temp",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "xtc_probability": "xtc_probability",
    "xtc_threshold": "xtc_threshold",
    "repeat_penalty": "penalty_repeat",
    "repeat_last_n": "penalty_last_n",
    "mirostat": "mirostat",
    "mirostat_tau": "mirostat_tau",
    "mirostat_eta": "mirostat_eta",
}
_WHOLE = {"top_k", "repeat_last_n", "dry_allowed_length", "dry_penalty_last_n", "mirostat", "min_keep"}
_LARGEST_SEED = 0xFFFFFFFE
_LARGEST_INT = 2**31 - 1
_NAMES: dict[str, SamplerName] = {
    **{name: name for name in get_args(SamplerName)},
    "typical_p": "typ_p",
    "typ": "typ_p",
    "nucleus": "top_p",
    "temp": "temperature",
}


def file_defaults(model: Any) -> dict[str, Any]:
    """What the model's file says about sampling; values that are no sensible ones are passed over."""
    found: dict[str, Any] = {}
    for name, key in _IN_FILE.items():
        text = metadata(model, f"general.sampling.{key}")
        try:
            value = float(text) if text is not None else math.nan
        except ValueError:
            continue
        if math.isfinite(value):
            found[name] = int(value) if name in _WHOLE else value
    if found.get("mirostat") not in (0, 1, 2):
        found.pop("mirostat", None)
    sequence = (metadata(model, "general.sampling.sequence") or "").split(";")
    names = [_NAMES[name] for each in sequence if (name := each.strip().lower().replace("-", "_")) in _NAMES]
    if names:
        found["samplers"] = tuple(names)
    return found


def resolve_settings(asked: SamplingParams, file: dict[str, Any]) -> SamplingParams:
    """Every setting with the value in force; the seed is drawn where none was asked for."""
    values: dict[str, Any] = {}
    for name, default in msgspec.structs.asdict(DEFAULTS).items():
        value = getattr(asked, name)
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            value = file.get(name, default)
        values[name] = max(-1, min(value, _LARGEST_INT)) if name in _WHOLE else value
    seed = asked.seed
    values["seed"] = secrets.randbelow(_LARGEST_SEED) if seed is None or seed < 0 else seed % (_LARGEST_SEED + 1)
    return SamplingParams(**values)
