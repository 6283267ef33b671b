"""`latchkey endpoints`: engines elsewhere, whose models are used as those on this machine are."""

from argparse import Namespace
from typing import Any

from desktop.cli.command_context import CommandContext
from desktop.cli.endpoints_token import forget_token, keep_token
from desktop.cli.exit_codes import DONE, UsageError
from desktop.cli.vault_prompt import with_token
from desktop.endpoints.endpoint import Endpoint, EndpointError, ServedModel
from desktop.endpoints.endpoint_service import EndpointCheck
from desktop.errors import UserError
from desktop.translation import tr, trn


def run(options: Namespace, tools: CommandContext) -> int:
    """Add, list, remove or check."""
    try:
        match options.action:
            case "add":
                _add(options, tools)
            case "remove":
                _remove(options, tools)
            case "check":
                _check(options, tools)
            case _:
                _list(options, tools)
    except EndpointError as error:
        raise UsageError(error.title, error.detail, error.remedy) from error
    return DONE


def _add(options: Namespace, tools: CommandContext) -> None:
    service = tools.assembly.endpoints
    address = service.check_new(options.name, options.url, options.context)
    kept = keep_token(address, tools, options.place) if options.token else False
    try:
        added = with_token(
            options, tools, lambda: service.add(options.name, options.url, options.license, options.context)
        )
    except UserError:
        if kept:
            forget_token(address, tools)
        raise
    if options.json:
        tools.output.json(check_json(added, tools))
        return
    _say(added, tools)
    for each in added.endpoint.models[:1]:
        model = ServedModel(added.endpoint, each).id
        tools.output.note(tr("“latchkey models show {model}” says what comes next.").format(model=model))


def _check(options: Namespace, tools: CommandContext) -> None:
    """Ask one endpoint, or all. Where one cannot be asked, the others are, and its error comes at the end."""
    service, checked, failed = tools.assembly.endpoints, list[EndpointCheck](), None
    names = [options.name] if options.name else [each.name for each in service.endpoints()]
    for name in names:
        try:
            checked.append(with_token(options, tools, lambda name=name: service.check(name)))  # type: ignore[misc]
        except UserError as error:
            if len(names) == 1:
                raise
            tools.output.note(f"{name}: {error}")
            failed = error
    if options.json:
        found = [check_json(each, tools) for each in checked]
        tools.output.json(found[0] if options.name else found)
    else:
        for each in checked:
            _say(each, tools)
    if failed is not None:
        raise failed


def _remove(options: Namespace, tools: CommandContext) -> None:
    gone = tools.assembly.endpoints.remove(options.name)
    if options.json:
        tools.output.json({"name": gone.name, "address": gone.address})
        return
    tools.output.line(tr("Removed {name}: nothing is sent to {host} any more.").format(name=gone.name, host=gone.host))
    if gone.host in tools.online.tokens.hosts():
        tools.output.note(
            tr("Its access token is still kept; “latchkey token forget --host {host}” forgets it.").format(
                host=gone.host
            )
        )


def _list(options: Namespace, tools: CommandContext) -> None:
    endpoints = tools.assembly.endpoints.endpoints()
    if options.json:
        tools.output.json([endpoint_json(each, tools) for each in endpoints])
    elif endpoints:
        rows = [(tr("NAME"), tr("ADDRESS"), tr("ENGINE"), tr("LICENSE"), tr("MODELS"))]
        rows += [
            (each.name, each.address, each.kind or "–", each.license or tr("unknown"), str(len(each.models)))
            for each in endpoints
        ]
        tools.output.table(rows, (1,))
    else:
        tools.output.note(tr("There are no endpoints yet; “latchkey endpoints add NAME URL” adds one."))


# --- how it is shown -------------------------------------------------------------------------------------------------


def _say(checked: EndpointCheck, tools: CommandContext) -> None:
    """What an endpoint is and has, and what leaves this machine."""
    endpoint, output = checked.endpoint, tools.output
    engine = endpoint.kind or tr("engine not known")
    output.line(f"{endpoint.name}: {endpoint.address} · {engine}")
    rows = []
    for model in endpoint.models:
        served = ServedModel(endpoint, model)
        length = served.context_length
        words = tr("{count} tokens").format(count=length) if length else tr("context not known")
        rows.append((served.id, words, tr("sees pictures") if model.sees_images else ""))
    output.table([tuple(f"  {row[0]}" if at == 0 else cell for at, cell in enumerate(row)) for row in rows], (0,))
    output.note(leaves_sentence(endpoint))
    if any(ServedModel(endpoint, each).context_length is None for each in endpoint.models):
        output.note(
            tr("How much some of these models read is not known. If you know it, add the endpoint with --context N.")
        )
    if checked.gone:
        output.note(tr("No longer there: {models}.").format(models=", ".join(checked.gone)))
    if checked.left_out:
        output.note(
            trn(
                "%n model was left out: its name cannot be shown, or stands there twice.",
                "%n models were left out: their names cannot be shown, or stand there twice.",
                checked.left_out,
            )
        )


def leaves_sentence(endpoint: Endpoint) -> str:
    """What leaves this machine for an endpoint, and who can read it."""
    if endpoint.url.loopback:
        return tr(
            "What you write to its models goes to the program at {host} on this machine. Whether that passes it on,"
            " nobody here can see."
        ).format(host=endpoint.host)
    said = tr("What you write to its models leaves this machine: it goes to {host}.").format(host=endpoint.host)
    if endpoint.encrypted:
        return said
    return said + " " + tr("It travels unencrypted: everybody in that network can read it.")


def check_json(checked: EndpointCheck, tools: CommandContext) -> dict[str, Any]:
    """An endpoint that was asked: fields and their names are part of the command's contract."""
    return endpoint_json(checked.endpoint, tools) | {"gone": list(checked.gone), "left_out": checked.left_out}


def endpoint_json(endpoint: Endpoint, tools: CommandContext) -> dict[str, Any]:
    """An endpoint: fields and their names are part of the command's contract. `token` is where one is kept."""
    return {
        "name": endpoint.name,
        "address": endpoint.address,
        "host": endpoint.host,
        "encrypted": endpoint.encrypted,
        "engine": endpoint.kind or None,
        "license": endpoint.license or None,
        "context_length": endpoint.context_length,
        "token": tools.online.tokens.place(endpoint.host),
        "checked": endpoint.checked or None,
        "models": [
            {
                "id": ServedModel(endpoint, each).id,
                "model": each.id,
                "context_length": ServedModel(endpoint, each).context_length,
                "sees_images": each.sees_images,
            }
            for each in endpoint.models
        ],
    }
