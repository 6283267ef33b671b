"""What the page of the server says of models, programs and requests, in words."""

from datetime import UTC, datetime

from desktop.byte_size import duration_text, size_text
from desktop.server.server_activity import ServedRequest
from desktop.settings import ServerSettings
from desktop.translation import tr, trn
from desktop.ui.parts.label import Tone
from desktop.ui.parts.terms_text import purpose_phrase
from desktop.ui.server.server_page_values import ClientFacts, LoadedFacts, ServerOverview, ServerPhase

THIS_COMPUTER, EVERYWHERE = "127.0.0.1", "0.0.0.0"
_NOW_S = 5.0
_KINDS = (
    ("/chat/completions", "chat"),
    ("/responses", "chat"),
    ("/messages", "chat"),
    ("/completions", "text"),
    ("/embeddings", "embeddings"),
    ("/models", "models"),
    ("/count_tokens", "count"),
)


def state_words(phase: ServerPhase, settings: ServerSettings) -> tuple[str, Tone]:
    """The state as a badge says it."""
    if phase == "on":
        if settings.address == THIS_COMPUTER:
            return tr("on, this computer only"), "good"
        return tr("on, open to this network"), "warn"
    words = {"off": tr("off"), "starting": tr("turning on…"), "stopping": tr("turning off…")}
    return words[phase], "quiet"


def open_to_words(address: str) -> str:
    """What it means that the server listens there."""
    if address == THIS_COMPUTER:
        return tr("Programs on this computer can ask, and no others. Each needs the key.")
    return tr(
        "Every device in this network that has the key can ask. What it sends and gets is not encrypted: use this in "
        "a network that you trust."
    )


def open_to_options(overview: ServerOverview) -> list[tuple[object, str]]:
    """The addresses that can be listened at, in words."""
    options: list[tuple[object, str]] = [(THIS_COMPUTER, tr("this computer")), (EVERYWHERE, tr("this network"))]
    held = overview.settings.address
    if all(each != held for each, _ in options):
        options.append((held, tr("at {address}").format(address=held)))
    return options


def models_words(overview: ServerOverview) -> str:
    """Which models are offered."""
    chosen = overview.settings.models
    if not chosen:
        return tr("all on this computer")
    names = dict(overview.models)
    if len(chosen) == 1:
        return names.get(chosen[0], chosen[0])
    return trn("{count} model", "{count} models", len(chosen)).format(count=len(chosen))


def license_words(facts: LoadedFacts) -> str:
    """How its license stands."""
    if facts.license == "built-in":
        return tr("comes with Latchkey")
    if facts.license == "missing":
        return tr("not accepted")
    if not facts.purpose:
        return tr("accepted")
    return tr("accepted, {purpose}").format(purpose=purpose_phrase(facts.purpose))


def loaded_cells(facts: LoadedFacts) -> tuple[str, ...]:
    """A row: name, license, requests, tokens/s, memory."""
    if facts.answering:
        at_once = trn("{count} answer", "{count} at once", facts.answering).format(count=facts.answering)
    elif facts.window:
        at_once = tr("answers in a window")
    elif facts.ends_in is not None:
        at_once = tr("idle, unloads in {time}").format(time=duration_text(facts.ends_in))
    else:
        at_once = tr("idle, stays")
    speed = f"{facts.tokens_per_s:.0f}" if facts.tokens_per_s >= 0.5 else "–"
    if facts.answering > 1 and facts.tokens_per_s >= 0.5:
        speed = tr("{speed} in all").format(speed=speed)
    return facts.name, license_words(facts), at_once, speed, size_text(facts.memory) if facts.memory else "–"


def kind_words(path: str) -> str:
    """What is asked for at a path."""
    words = {
        "chat": tr("chat"),
        "text": tr("completion"),
        "embeddings": tr("embeddings"),
        "models": tr("list of models"),
        "count": tr("count of tokens"),
    }
    return next((words[kind] for end, kind in _KINDS if path.endswith(end)), path)


def client_cells(facts: ClientFacts, now: float) -> tuple[str, ...]:
    """A row: name, what it asks for, requests, when last."""
    kinds = ", ".join(dict.fromkeys(kind_words(each) for each in facts.kinds)) or "–"
    requests = trn("{count} request", "{count} requests", facts.requests).format(count=f"{facts.requests:,}")
    return facts.name, kinds, requests, tr("now") if facts.answering else ago_words(now - facts.last_used)


def ago_words(seconds: float) -> str:
    """How long something is past."""
    if seconds < _NOW_S:
        return tr("now")
    return tr("{time} ago").format(time=duration_text(seconds))


def request_cells(request: ServedRequest) -> tuple[str, ...]:
    """A row: time, client, what, model, tokens read and written, tokens/s, how long, how it went."""
    took = f"{request.seconds:.1f} s" if request.seconds < 100 else duration_text(request.seconds)
    counted = request.prompt_tokens or request.generated_tokens
    return (
        datetime.fromtimestamp(request.at, UTC).astimezone().strftime("%H:%M:%S"),
        request.client,
        kind_words(request.path),
        request.model or "–",
        f"{request.prompt_tokens:,} → {request.generated_tokens:,}" if counted else "–",
        f"{request.tokens_per_s:.0f}" if request.tokens_per_s else "–",
        took,
        f"{request.status} · {request.error}" if request.error else str(request.status),
    )


def curl_example(overview: ServerOverview) -> str:
    """One line for a terminal that asks the server; the key is left to whoever runs it."""
    chosen = overview.settings.models or tuple(each for each, _ in overview.models)
    body = f'{{"model": "{chosen[0] if chosen else "MODEL"}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
    return (
        f'curl {overview.url}/chat/completions -H "Authorization: Bearer $API_KEY"'
        f" -H \"Content-Type: application/json\" -d '{body}'"
    )
