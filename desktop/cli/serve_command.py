"""`latchkey serve`: the models for other programs, until it is interrupted."""

import queue
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE
from desktop.cli.interrupts import POLL_INTERVAL_S, Terminated, ignore_further_ends, stop_on_interrupt
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.server.api_key import ApiKeys
    from desktop.server.offered_models import OfferedModels

_MOST_PARALLEL = 64


class ServingResult(msgspec.Struct, frozen=True):
    """What `serve --json` prints once it listens: part of the command's contract. `url` is the base address for clients
    of OpenAI's kind, `key_file` the file that the key lies in, `models` those loaded at the start."""

    url: str
    key_file: str
    models: list[str]


def run(options: Namespace, tools: CommandContext) -> int:
    from desktop.server.api_server import ApiServer
    from desktop.server.host_check import is_loopback
    from desktop.server.offered_models import OfferedModels

    keys, key_file = _keys(options, tools)
    with tools.engine_pool() as engine:
        models = OfferedModels(
            engine,
            tools.library,
            tools.license_check,
            tools.assembly.policy,
            tools.settings_file.latest,
            parallel=min(options.parallel, _MOST_PARALLEL),
            only=options.model,
        )
        loaded = _preload(options.model, models, tools)
        server = ApiServer(engine, models, tools.document_reader)
        url = server.start(options.host, options.port, keys)
        try:
            _say(ServingResult(url, str(key_file), loaded), options, tools)
            if not is_loopback(options.host):
                tools.output.note(
                    tr("Other machines can reach it, and nothing that is sent is encrypted: let a proxy add TLS.")
                )
            _wait_for_the_end()
            tools.output.note(tr("Stopping…"))
        finally:
            with ignore_further_ends():
                server.stop()
    return DONE


def _keys(options: Namespace, tools: CommandContext) -> tuple["ApiKeys", Path]:
    """The keys that count, and where they lie."""
    from desktop.server.api_key import is_readable_by_others, kept_api_key, keys_from_file, keys_from_text

    if options.api_key_file is None:
        file = tools.paths.api_key_file
        return keys_from_text(kept_api_key(file)), file
    file = Path(options.api_key_file)
    keys = keys_from_file(file)
    if is_readable_by_others(file):
        tools.output.note(tr("Other accounts of this machine can read {file}.").format(file=file))
    return keys, file


def _preload(ids: Sequence[str], models: "OfferedModels", tools: CommandContext) -> list[str]:
    """Load the models that were named. Raises UserError for the first that cannot be."""
    loaded = []
    for each in ids:
        tools.output.progress(tr("Loading {model}…").format(model=each))
        loaded.append(models.preload(each).id)
    tools.output.clear_progress()
    return loaded


def _say(serving: ServingResult, options: Namespace, tools: CommandContext) -> None:
    if options.json:
        tools.output.json(serving)
        return
    tools.output.line(tr("Serving at {url}").format(url=serving.url))
    tools.output.line(tr("The key lies in {file}").format(file=serving.key_file))
    tools.output.note(tr("Ctrl+C ends it."))


def _wait_for_the_end() -> None:
    """Return at the first interrupt, or when the system asks this command to end: that is how serving ends."""
    ended: queue.SimpleQueue[None] = queue.SimpleQueue()
    try:
        with stop_on_interrupt(lambda: ended.put(None)):
            while True:
                try:
                    return ended.get(timeout=POLL_INTERVAL_S)
                except queue.Empty:
                    continue
    except Terminated:
        return None
