"""The reader's one thread: takes a request and the file's bytes from its pipe, parses them, answers, and waits for the
next one. It is confined before it says that it is ready.
"""

import argparse
import logging
import mimetypes
import os
import sys
import traceback
import warnings

from desktop.confinement.process_confinement import (
    LIBRARIES,
    confine_calls,
    confine_files,
    confinement_summary,
    forbid_core_dump,
)
from desktop.documents.reader.document_parser import parse_document
from desktop.documents.reader.reader_limits import limit_cpu_time, limit_process
from desktop.documents.reader.refused_file import RefusedFileError
from desktop.documents.reader_messages import (
    DATA_SIZE,
    LARGEST_FILE,
    FileData,
    ImageRequest,
    ReaderEvent,
    ReaderReady,
    ReaderRequest,
    ReadingRefused,
)
from desktop.engine.frames import FrameError, FrameReader, FrameWriter

_LARGEST_REQUEST = DATA_SIZE + 65_536


def run(arguments: list[str]) -> None:
    """Be a reader until the pipe closes."""
    parser = argparse.ArgumentParser(prog="latchkey-document-reader")
    parser.add_argument("--in", dest="input", type=int, required=True)
    parser.add_argument("--out", dest="output", type=int, required=True)
    options = parser.parse_args(arguments)
    input_, output = options.input, options.output
    if sys.platform == "win32":
        import msvcrt

        input_, output = (
            msvcrt.open_osfhandle(input_, os.O_RDONLY | os.O_BINARY),
            msvcrt.open_osfhandle(output, os.O_BINARY),
        )
    forbid_core_dump()  # it would hold the document
    limit_process()
    mimetypes.init([])  # openpyxl would have it read the system's list, which is out of reach soon
    logging.disable(logging.CRITICAL)  # what libraries say may quote the document, and goes into a log
    warnings.simplefilter("ignore")
    sys.modules["numpy"] = None  # type: ignore[assignment]  # openpyxl would load it, for cells that it writes
    files = confine_files(system=LIBRARIES)
    confinement = confinement_summary(files, confine_calls())
    loop = ReaderLoop(FrameReader(input_, ReaderRequest, _LARGEST_REQUEST), FrameWriter(output))
    loop.serve(confinement)


class ReaderLoop:
    """Serves requests of `requests` and writes the answers to `events`."""

    def __init__(self, requests: FrameReader[ReaderRequest], events: FrameWriter) -> None:
        self._requests = requests
        self._events = events

    def serve(self, confinement: str) -> None:
        """Say that the reader is ready, then serve until the pipe is closed."""
        try:
            self._events.write(ReaderReady(confinement))
            while (request := self._requests.read()) is not None:
                limit_cpu_time()
                self._answer(request)
        except (FrameError, OSError) as error:
            os.write(2, f"latchkey: the pipe failed: {type(error).__name__}\n".encode())

    def _answer(self, request: ReaderRequest) -> None:
        if isinstance(request, FileData):
            raise FrameError("bytes of no file")
        data = self._file(request.size)
        event: ReaderEvent
        try:
            if isinstance(request, ImageRequest):
                event = _decode_image(request, data)
            else:
                event = parse_document(data, request.suffix, request.password, self._events.write)
        except RefusedFileError as refusal:
            event = ReadingRefused(refusal.problem)
        except MemoryError:
            event = ReadingRefused("memory")
        except ImportError as error:
            event = ReadingRefused("library-missing", str(error))
        except (FrameError, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - a hostile file can have a parser raise anything
            event = ReadingRefused("damaged", _log(error))
        self._events.write(event)

    def _file(self, size: int) -> bytes:
        if size > LARGEST_FILE:
            raise FrameError(f"a file of {size} bytes is too large")
        pieces: list[bytes] = []
        missing = size
        while missing:
            piece = self._requests.read()
            if not isinstance(piece, FileData) or not 0 < len(piece.data) <= missing:
                raise FrameError("not the bytes of the file")
            missing -= len(piece.data)
            pieces.append(piece.data)
        return b"".join(pieces)


def _decode_image(request: ImageRequest, data: bytes) -> ReaderEvent:
    from desktop.documents.reader.image_decoder import decode_image

    return decode_image(data, request.longest_side)


def _log(error: Exception) -> str:
    """Write where `error` came from, without what it says: that may quote the document. Gives its name."""
    name = type(error).__name__
    places = "".join(traceback.format_tb(error.__traceback__))
    os.write(2, f"latchkey: reading failed: {name}\n{places}".encode("utf-8", "replace"))
    return name
