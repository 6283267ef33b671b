"""`latchkey update check`: whether there is a newer version. It fetches nothing but the announcement."""

from argparse import Namespace

from desktop import __version__
from desktop.byte_size import size_text
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE
from desktop.translation import tr
from desktop.updates.update_check import UpdateCheck, UpdateState


def run(options: Namespace, tools: CommandContext) -> int:
    """Ask, and say what was found."""
    paths = tools.paths
    found = UpdateCheck(paths.update_source, paths.seen_updates, lambda: tools.online.client, __version__).check()
    if options.json:
        tools.output.json(found)
    else:
        _print(found, tools)
    return DONE


def _print(found: UpdateState, tools: CommandContext) -> None:
    newest = found.newest
    names = {"version": newest.version, "current": found.current, "day": newest.released.isoformat()}
    if not found.newer:
        tools.output.line(tr("Latchkey {current} is the newest version.").format(**names))
        return
    tools.output.line(tr("Latchkey {version} came out on {day}; this is {current}.").format(**names))
    tools.output.line(tr("It can be had at {page}").format(page=newest.page))
    if newest.notes:
        tools.output.line()
        tools.output.line(newest.notes)
    if newest.files:
        tools.output.line()
        header = (tr("FILE"), tr("SIZE"), "SHA-256")
        tools.output.table([header, *((each.name, size_text(each.size), each.sha256) for each in newest.files)])
