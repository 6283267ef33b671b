"""`CommandContext`: what the commands use, each part built at its first use."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

from desktop.cli.output import CommandOutput
from desktop.paths import Paths

if TYPE_CHECKING:
    from desktop.backup.backup_writer import PersonsData
    from desktop.chat.export.chat_exporter import PdfDrawing
    from desktop.documents.collection_service import CollectionService
    from desktop.documents.document_reader import DocumentReader
    from desktop.engine.engine_client import EngineClient
    from desktop.engine.engine_pool import EnginePool
    from desktop.engine.engine_protocol import Engine
    from desktop.engine.kernel_check import KernelCheck
    from desktop.engine.load_params import LoadParams
    from desktop.engine.prompt_cache_folder import PromptCacheFolder
    from desktop.library.downloads import Downloads
    from desktop.library.file_hashes import FileHashes
    from desktop.library.library import Library
    from desktop.library.library_services import LibraryServices
    from desktop.library.model_lookup import ModelLookup
    from desktop.library.network_services import NetworkServices
    from desktop.library.status import NextStep
    from desktop.licenses.acknowledgements import Acknowledgements
    from desktop.licenses.license_check import LicenseCheck
    from desktop.settings import Settings, SettingsFile
    from desktop.storage.attachment_store import AttachmentStore
    from desktop.storage.conversation_store import ConversationStore
    from desktop.storage.database import Database
    from desktop.storage.message_search import MessageSearch
    from desktop.tools.tool_service import ToolService


class CommandContext:
    """The folders, the output, and the core's parts, each made at its first use."""

    def __init__(
        self, paths: Paths, output: CommandOutput, stdin: BinaryIO, draw_pdf: "PdfDrawing | None" = None
    ) -> None:
        """`draw_pdf` draws chats as PDF: with Qt, which commands do not import."""
        self.paths = paths
        self.output = output
        self.stdin = stdin
        self.draw_pdf = draw_pdf

    @cached_property
    def settings_file(self) -> "SettingsFile":
        from desktop.settings import SettingsFile

        file = SettingsFile(self.paths.settings_file)
        if file.problem:
            self.output.note(file.problem)
        return file

    @property
    def settings(self) -> "Settings":
        return self.settings_file.current

    @cached_property
    def assembly(self) -> "LibraryServices":
        """Library, acknowledgements and license check, the same as the window's."""
        from desktop.library.library_services import build_library_services

        return build_library_services(
            self.paths, settings=self.settings_file.latest, on_unrecorded=lambda error: self.output.note(str(error))
        )

    @property
    def library(self) -> "Library":
        return self.assembly.library

    @property
    def hashes(self) -> "FileHashes":
        return self.assembly.hashes

    @property
    def acknowledgements(self) -> "Acknowledgements":
        return self.assembly.acknowledgements

    @property
    def license_check(self) -> "LicenseCheck":
        return self.assembly.license_check

    @property
    def online(self) -> "NetworkServices":
        """All that may leave this machine; nothing of it is open before it is used."""
        return self.assembly.network

    @property
    def lookup(self) -> "ModelLookup":
        """What the Hub offers, and the next step to a model."""
        return self.assembly.lookup

    def next_step(self, model_id: str, file: str = "") -> "NextStep":
        """What comes next for a model, or one of its files; what is here of it already counts."""
        _ = self.downloads  # once they are there, what is here of a file is seen
        return self.lookup.next_step(model_id, file)

    @property
    def downloads(self) -> "Downloads":
        return self.assembly.downloads

    @cached_property
    def conversation_store(self) -> "ConversationStore":
        """The conversations. Raises IntegrityError or ResourceError where the database cannot be opened."""
        from desktop.storage.conversation_store import ConversationStore

        return ConversationStore(self._database)

    @cached_property
    def message_search(self) -> "MessageSearch":
        """The words of the conversations. Raises as `conversation_store`."""
        from desktop.storage.message_search import MessageSearch

        return MessageSearch(self._database)

    @cached_property
    def attachments(self) -> "AttachmentStore":
        """The files that messages name by their sha256."""
        from desktop.storage.attachment_store import AttachmentStore

        return AttachmentStore(self.paths.attachments)

    @cached_property
    def document_reader(self) -> "DocumentReader":
        """Reads documents in confined processes of their own."""
        from desktop.documents.document_reader import DocumentReader

        return DocumentReader(self.paths.reader_logs)

    @cached_property
    def collections(self) -> "CollectionService":
        """The collections of documents; nothing is indexed in the background."""
        from desktop.documents.collection_service import CollectionService
        from desktop.documents.search_models import passage_vectors

        vectors = passage_vectors(self.library, self.settings_file.latest, lambda: self._search_engine)
        return CollectionService(self.paths, self.document_reader, database=self.documents, vectors=vectors)

    @cached_property
    def _search_engine(self) -> "EnginePool":
        """Runs the models that search in documents."""
        from desktop.engine.engine_pool import EnginePool

        return EnginePool(self._make_engine, memory=lambda: self.settings.model_memory)

    @cached_property
    def documents(self) -> "Database":
        """The database of collections."""
        from desktop.storage.database import DOCUMENTS_SCHEMA, Database

        return Database(self.paths.documents_file, DOCUMENTS_SCHEMA)

    @cached_property
    def tool_service(self) -> "ToolService":
        """Tool servers and the built-in tools."""
        from desktop.tools.tool_service import ToolService

        return ToolService(self.paths, self.assembly.policy, self.online)

    @cached_property
    def data(self) -> "PersonsData":
        """All that a backup holds."""
        from desktop.backup.backup_writer import PersonsData

        return PersonsData(self.paths, self._raw_database, self.assembly.ledger, self.attachments, self.documents)

    @cached_property
    def _database(self) -> "Database":
        """The conversations, once a restore or a repair that was cut off is finished."""
        if any((self.paths.data / name).exists() for name in ("restoring", "restoring.part", "repaired")):
            from desktop.backup.restore import resume_restore

            resume_restore(self.data)
        return self._raw_database

    @cached_property
    def _raw_database(self) -> "Database":
        from desktop.storage.database import Database

        return Database(self.paths.database_file)

    @cached_property
    def kernel_check(self) -> "KernelCheck":
        """What is known of llama.cpp on this processor."""
        from desktop.engine.kernel_check import KernelCheck

        return KernelCheck(self.paths.engine_test_file)

    @cached_property
    def prompt_cache(self) -> "PromptCacheFolder":
        """The prompt cache on the disk."""
        from desktop.engine.prompt_cache_folder import PromptCacheFolder

        return PromptCacheFolder(self.paths.prompt_cache, lambda: self.settings.prompt_cache_disk)

    @contextmanager
    def engine(self) -> Iterator["EngineClient"]:
        """An engine that is gone, with its process, when the block is left."""
        engine = self._make_engine()
        try:
            yield engine
        finally:
            engine.close()

    @contextmanager
    def engine_for(self, params: "LoadParams") -> Iterator["Engine"]:
        """The same for a model that is to be loaded with `params`, be it on this machine or not."""
        engine = self.assembly.remote_engine() if params.endpoint else self._make_engine()
        try:
            yield engine
        finally:
            engine.close()

    @contextmanager
    def engine_pool(self) -> Iterator["EnginePool"]:
        """An engine for several models, which are gone when the block is left."""
        from desktop.engine.engine_pool import EnginePool

        settings = self.settings
        pool = EnginePool(
            self._make_engine,
            make_remote=self.assembly.remote_engine,
            memory=lambda: settings.model_memory,
            unload_after=lambda: settings.unload_after,
        )
        try:
            yield pool
        finally:
            pool.close()

    def _make_engine(self) -> "EngineClient":
        from desktop.engine.engine_client import EngineClient
        from desktop.engine.fallback_store import FallbackStore

        paths = self.paths
        return EngineClient(
            license_check=self.license_check,
            logs=paths.engine_logs,
            cache=paths.cache,
            fallbacks=FallbackStore(paths.load_fallbacks),
            kernel_choice=self.kernel_check.choice,
            prompt_cache=self.prompt_cache,
        )

    def close(self) -> None:
        """Stop what runs, write what is left of the log of requests, and leave no connection open."""
        if "tool_service" in self.__dict__:
            self.tool_service.close()
        if "_search_engine" in self.__dict__:
            self._search_engine.close()
        if "assembly" in self.__dict__:
            with suppress(KeyboardInterrupt):
                self.license_check.recorder.wait()
            self.assembly.close()
        if "collections" in self.__dict__:
            self.collections.close()
        if "document_reader" in self.__dict__:
            self.document_reader.close()
        if "documents" in self.__dict__:
            self.documents.close()
        if "_raw_database" in self.__dict__:
            self._raw_database.close()
