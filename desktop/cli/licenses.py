"""`latchkey licenses`: texts to read, acknowledgements to give and take back, and the ledger of them all."""

from argparse import Namespace

from desktop.cli.exit_codes import DONE
from desktop.cli.tools import Tools


def run(options: Namespace, tools: Tools) -> int:
    from desktop.cli import acknowledging, ledger_report, license_texts

    match options.action:
        case "list":
            license_texts.show_list(options, tools)
        case "show":
            license_texts.show(options, tools)
        case "accept":
            acknowledging.accept(options, tools)
        case "revoke":
            acknowledging.revoke(options, tools)
        case "log":
            ledger_report.log(options, tools)
        case "new-segment":
            ledger_report.begin_segment(options, tools)
        case "export":
            ledger_report.export(options, tools)
        case "verify":
            return ledger_report.verify(options, tools)
    return DONE
