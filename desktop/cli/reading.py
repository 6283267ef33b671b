"""Showing how far a model file has been read: some take minutes."""

from desktop.cli.amounts import part, percent
from desktop.cli.tools import Tools
from desktop.library.hashes import Progress
from desktop.translation import tr


def reading(name: str, tools: Tools) -> Progress:
    """Shows how far a file has been read, where a person looks on."""
    words = tr("Reading {file}…").format(file=name)
    tools.output.progress(words)
    return lambda done, total: tools.output.progress(f"{words}  {percent(done, total)}  {part(done, total)}")
