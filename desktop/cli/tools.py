"""What the command's parts work with, built once and only when asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

from desktop.cli.output import Output
from desktop.paths import Paths

if TYPE_CHECKING:
    from desktop.engine.client import EngineClient
    from desktop.library.hashes import FileHashes
    from desktop.library.models import Library
    from desktop.settings import Settings
    from desktop.storage.conversations import ConversationStore


class Tools:
    """The folders, the output, and the core's parts, each made at its first use."""

    def __init__(self, paths: Paths, output: Output, stdin: BinaryIO) -> None:
        self.paths = paths
        self.output = output
        self.stdin = stdin

    @cached_property
    def settings(self) -> "Settings":
        from desktop.settings import SettingsFile

        file = SettingsFile(self.paths.settings_file)
        if file.problem:
            self.output.note(file.problem)
        return file.current

    @cached_property
    def library(self) -> "Library":
        from desktop.library.models import Library

        return Library(self.paths)

    @cached_property
    def hashes(self) -> "FileHashes":
        from desktop.library.hashes import FileHashes

        return FileHashes(self.paths.cache)

    @cached_property
    def store(self) -> "ConversationStore":
        """The conversations. Raises IntegrityError or ResourceError where the database cannot be opened."""
        from desktop.storage.conversations import ConversationStore
        from desktop.storage.database import Database

        return ConversationStore(Database(self.paths.database_file))

    @contextmanager
    def engine(self) -> Iterator["EngineClient"]:
        """An engine that is gone, with its process, when the block is left."""
        from desktop.engine.client import EngineClient
        from desktop.licenses.door import LicenseDoor

        engine = EngineClient(admit=LicenseDoor().admit, logs=self.paths.engine_logs, cache=self.paths.cache)
        try:
            yield engine
        finally:
            engine.close()
