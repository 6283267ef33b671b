"""The fields of requests that say how tokens are chosen, by the names that OpenAI, vLLM and llama-server have."""

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from desktop.engine.generation_options import MOST_BIASES, SamplingParams
from desktop.server.api_errors import ApiError
from desktop.translation import tr

_MOST_TOKENS = 10_000_000
_MOST_STOPS = 16
_LONGEST_STOP = 1000
_SEEDS = 0xFFFFFFFF
Stop = Annotated[str, Field(min_length=1, max_length=_LONGEST_STOP)]
Stops = Stop | Annotated[list[Stop], Field(max_length=_MOST_STOPS)]
TokenCount = Annotated[int, Field(ge=1, le=_MOST_TOKENS)]


def _whole(value: Any) -> Any:
    """A seed may be any whole number: it becomes one that the engine takes."""
    return value % _SEEDS if isinstance(value, int) and not isinstance(value, bool) else value


Seed = Annotated[int, BeforeValidator(_whole)]


class ApiBody(BaseModel):
    """A body of a request. What it holds beyond the fields known here changes nothing and is passed over, as clients of
    many kinds send more."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class SamplingFields(ApiBody):
    """What requests of OpenAI's kinds have in common. None: as the model's file says, else llama-server's default."""

    temperature: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    top_k: Annotated[int, Field(ge=-1, le=1_000_000)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)] | None = None
    repeat_penalty: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] | None = None
    seed: Seed | None = None
    ignore_eos: bool = Field(False, description="The model cannot end its answer: for benchmarks.")

    def sampling(self) -> SamplingParams:
        """As the engine takes them."""
        return SamplingParams(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k if self.top_k is None else max(0, self.top_k),
            min_p=self.min_p,
            frequency_penalty=self.frequency_penalty,
            presence_penalty=self.presence_penalty,
            repeat_penalty=self.repeat_penalty,
            seed=self.seed,
        )


def stop_texts(stop: Stops | None) -> tuple[str, ...]:
    """The texts that end an answer, each once."""
    given = [stop] if isinstance(stop, str) else stop or []
    return tuple(dict.fromkeys(given))


def biases(given: dict[str, float] | None) -> tuple[tuple[int | str, float], ...]:
    """`logit_bias` by tokens' ids. Raises ApiError."""
    if given is not None and len(given) > MOST_BIASES:
        raise ApiError(400, tr("There are more than {most} biases.").format(most=MOST_BIASES), "", "logit_bias")
    found: list[tuple[int | str, float]] = []
    for token, bias in (given or {}).items():
        if not (token.isascii() and token.isdecimal() and len(token) < 10) or not math.isfinite(bias):
            raise ApiError(400, tr("logit_bias has numbers of tokens, each with a number."), "", "logit_bias")
        found.append((int(token), -math.inf if bias <= -100 else bias))  # -100 bans, as OpenAI has it
    return tuple(found)
