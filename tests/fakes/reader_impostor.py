"""A command for a reader that is confined and behaves like the real one, until it is to read a document."""

import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]


def reader_command(folder: Path, on_document: str, at_start: str = "pass") -> tuple[str, ...]:
    """It does `on_document` then, with `data`, `suffix`, `send` (a page) and `raw` (any message) at hand; `at_start` is
    done first of all."""
    script = folder / "reader_impostor.py"
    script.write_text(
        "import json, os, signal, sys, time\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\n"
        "import msgspec\n"
        "from desktop.documents import reader_messages\n"
        "from desktop.documents.reader import reader_loop\n"
        "from desktop.documents.reader_messages import DocumentRead, PageText, ReadingNote\n"
        "from tests.fakes import attacks\n\n"
        "def raw(message):\n"
        "    body = message if isinstance(message, bytes) else msgspec.msgpack.encode(message)\n"
        "    os.write(int(sys.argv[sys.argv.index('--out') + 1]), len(body).to_bytes(4, 'big') + body)\n\n"
        "real = reader_loop.parse_document\n\n"
        "def parse(data, suffix, password, send):\n"
        "    if suffix == '.txt':\n"
        "        return real(data, suffix, password, send)\n"
        f"{textwrap.indent(textwrap.dedent(on_document), '    ')}\n"
        "    return DocumentRead('text/plain', False)\n\n"
        f"reader_loop.parse_document = parse\n{at_start}\n"
        "reader_loop.run(sys.argv[1:])\n"
    )
    return (sys.executable, str(script))
