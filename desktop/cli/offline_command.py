"""`latchkey offline`: the switch that keeps Latchkey off the network, and what else does."""

import os
from argparse import Namespace

import msgspec

from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE
from desktop.errors import ForbiddenError, ResourceError
from desktop.network.offline_switch import offline_reason
from desktop.translation import tr


class OfflineReport(msgspec.Struct, frozen=True):
    """What keeps Latchkey offline, as `--json` gives it: any of the person's setting, LATCHKEY_OFFLINE and the policy.

    `reason` says it in a sentence, "" online.
    """

    offline: bool
    setting: bool
    environment: bool
    policy: bool
    reason: str


def run(options: Namespace, tools: CommandContext) -> int:
    """Turn the switch or look at it. Raises ForbiddenError where `off` cannot bring Latchkey online."""
    if options.action != "status":
        _turn(tools, on=options.action == "on")
    found = offline_report(tools)
    if options.json:
        tools.output.json(found)
    elif options.action != "off" or not found.offline:
        tools.output.line(offline_sentence(found))
    if options.action == "off" and found.offline:
        raise ForbiddenError(
            tr("Latchkey stays offline, although its own switch is off."), found.reason, _remedy(found)
        )
    return DONE


def _turn(tools: CommandContext, *, on: bool) -> None:
    """Write the switch. Raises ResourceError where it cannot be written: no command that follows would know of it."""
    try:
        tools.settings_file.change(offline=on)
    except ResourceError as error:
        remedy = tr("{what} Until then LATCHKEY_OFFLINE=1 keeps a start offline.").format(what=error.remedy)
        raise ResourceError(
            tr("The switch was not turned, as it could not be saved."),
            error.detail,
            remedy if on else error.remedy,
            technical=error.technical,
        ) from error


def offline_report(tools: CommandContext) -> OfflineReport:
    """What keeps Latchkey offline now. A policy that cannot be read does."""
    switch = tools.online.switch
    try:
        policy = tools.assembly.policy.current().offline
    except ForbiddenError:
        policy = True
    environment = offline_reason(setting=lambda: False, policy=lambda: False, environ=os.environ)() is not None
    return OfflineReport(switch.offline, tools.settings_file.latest().offline, environment, policy, switch.reason)


def offline_sentence(found: OfflineReport) -> str:
    """It in a line or two."""
    if not found.offline:
        return tr("Latchkey is online: it uses the network when you ask for something there, and at no other time.")
    held = [
        name
        for name, holds in (
            (tr("its switch (“latchkey offline off” turns it)"), found.setting),
            (tr("LATCHKEY_OFFLINE in the environment"), found.environment),
            (tr("this machine's policy"), found.policy),
        )
        if holds
    ]
    return tr("Latchkey is offline: no connection is opened. That is due to {what}.").format(what=", ".join(held))


def _remedy(found: OfflineReport) -> str:
    if found.policy:
        return tr("Ask whoever looks after this machine.")
    return tr("Start Latchkey without LATCHKEY_OFFLINE.")
