"""`latchkey network log`: every request of the last ninety days, so that anybody can see what left this machine."""

from argparse import Namespace
from datetime import UTC, datetime

from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE
from desktop.network.request_log import RequestLogEntry
from desktop.storage.request_store import RETENTION_DAYS
from desktop.translation import tr, trn


def run(options: Namespace, tools: CommandContext) -> int:
    """Show the log, the newest request first."""
    words = " ".join(options.words)
    requests = tools.online.requests
    there = requests.path.exists()  # looking at it leaves no file behind where nothing was ever sent
    found = requests.newest(options.limit + 1, words=words) if there else []
    shown, more = found[: options.limit], len(found) > options.limit
    if options.json:
        tools.output.json([_described(each) for each in shown])
        return DONE
    if not shown:
        tools.output.note(
            tr("No request holds these words.")
            if words and there
            else tr("Nothing was sent in the last {days} days.").format(days=RETENTION_DAYS)
        )
        return DONE
    header = (tr("TIME"), tr("PURPOSE"), tr("STATUS"), tr("SENT"), tr("RECEIVED"), tr("METHOD"), tr("HOST"), tr("PATH"))
    tools.output.table([header, *(_row(each) for each in shown)])  # whole, however wide: nothing is hidden here
    if more:
        tools.output.note(
            trn(
                "Shown is the newest one; --limit shows more.",
                "Shown are the newest {count}; --limit shows more.",
                len(shown),
            ).format(count=len(shown))
        )
    return DONE


def _described(each: RequestLogEntry) -> dict[str, object]:
    """A request as `--json` gives it: `time` in seconds since 1970, `sent` and `received` in bytes."""
    return {
        "time": each.time,
        "purpose": each.purpose,
        "method": each.method,
        "host": each.host,
        "path": each.path,
        "status": each.status or None,
        "sent": each.sent,
        "received": each.received,
        "seconds": each.seconds,
        "error": each.error or None,
    }


def _row(each: RequestLogEntry) -> tuple[str, ...]:
    return (
        datetime.fromtimestamp(each.time, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        each.purpose,
        str(each.status) if each.status else each.error or "–",
        f"{each.sent:,}",
        f"{each.received:,}",
        each.method,
        each.host,
        each.path,
    )
