"""The projector (mmproj) beside a loaded model: llama.cpp's mtmd library, which makes embeddings of pictures.

A picture is prepared (`prepare`): brought to the sizes that the projector sees, perhaps cut into tiles, with the text
tokens that the model wants around each. Then each piece is encoded (`encode`), which takes most of the time.
"""

import ctypes
import hashlib
import importlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.engine.request_images import PictureCost, RequestImage
from desktop.engine.worker.llama_api import LlamaLog, llama
from desktop.engine.worker.picture_tokens import picture_tokens
from desktop.errors import EngineError, ResourceError
from desktop.translation import tr

_TEXT, _IMAGE = 0, 1
_GRAPH = re.compile(rb"graph splits = \d+, nodes = (\d{1,9})\b")
_EVERY_NODES = 32  # of the projector's graph, between two looks at whether it is to stop
_SIDES = (64, 256, 512, 1024, 2048, 4096)  # pixels of squares by which the cost of pictures is found out


@dataclass(frozen=True, eq=False)
class PicturePiece:
    """A part of a prepared picture that is encoded at once: `tokens` stand for its embeddings, which take `positions`.
    `handle` is mtmd's, which lives as long as `owner`."""

    tokens: tuple[int, ...]
    positions: int
    handle: Any
    owner: Any


@dataclass(frozen=True, eq=False)
class PreparedPicture:
    """A picture of this size in pixels as the model is to read it: `tokens` are those of its pieces, and of text around
    them."""

    width: int
    height: int
    tokens: tuple[int, ...]
    pieces: tuple[PicturePiece, ...]


class Projector:
    """The projector in the file `name`, for `model`. `path` is what the person knows it by.

    Raises EngineError where it cannot be used with this model, or sees nothing. The process ends with it.
    """

    def __init__(self, name: str, path: str, model: Any, *, threads: int, gpu: bool, flash: int, log: LlamaLog) -> None:
        self._api = importlib.import_module("llama_cpp.mtmd_cpp")
        self._log, self._path = log, Path(path)
        self._log_callback = llama.llama_log_callback(self._on_log)
        self._api.mtmd_helper_log_set(self._log_callback, None)
        self._stopped: Callable[[], bool] = bool
        self._nodes = self._all_nodes = 0
        self._callback = llama.ggml_backend_sched_eval_callback(self._on_node)
        params = self._api.mtmd_context_params_default()
        params.use_gpu, params.n_threads, params.flash_attn_type = gpu, threads, flash
        params.print_timings = False
        params.cb_eval = self._callback
        self._context = self._api.mtmd_init_from_file(name.encode("utf-8", "surrogateescape"), model, params)
        if not self._context:
            raise self._refused()
        if not self._api.mtmd_support_vision(self._context):
            raise EngineError(
                tr("{file} lets a model hear, not see.").format(file=self._path.name),
                tr("This version of Latchkey gives a model text and pictures only."),
                tr("Load the model without it."),
            )
        self.width = int(llama.llama_model_n_embd_inp(model))
        self.mrope = bool(self._api.mtmd_decode_use_mrope(self._context))
        self.whole = bool(self._api.mtmd_decode_use_non_causal(self._context, None))
        """Whether each part of a picture sees all others: its embeddings are computed together then."""

    def prepare(self, image: RequestImage) -> PreparedPicture:
        """The picture as the model is to read it. Raises EngineError where mtmd takes none of that size."""
        if len(image.rgb) != 3 * image.width * image.height or not image.width * image.height > 0:
            raise EngineError(tr("A picture is not of the size that it was said to be."))
        chunks = self._chunks(image.width, image.height, image.rgb)
        content = hashlib.sha256(image.rgb).digest() + f"{image.width}x{image.height}".encode()
        tokens: list[int] = []
        pieces = []
        for number, handle in enumerate(chunks.handles):
            if self._api.mtmd_input_chunk_get_type(handle) == _TEXT:
                tokens += self._text(handle)
                continue
            count = int(self._api.mtmd_input_chunk_get_n_tokens(handle))
            positions = int(self._api.mtmd_input_chunk_get_n_pos(handle))
            made = picture_tokens(content + number.to_bytes(4, "big"), count, positions)
            pieces.append(PicturePiece(made, positions, handle, chunks))
            tokens += made
        return PreparedPicture(image.width, image.height, tuple(tokens), tuple(pieces))

    def encode(self, piece: PicturePiece, stopped: Callable[[], bool]) -> "ctypes.Array[ctypes.c_float] | None":
        """The embeddings of `piece`, one row of `width` floats for each of its tokens; None where it was `stopped`,
        which is asked again and again, on the thread that this is called on. Raises EngineError."""
        self._stopped, self._nodes = stopped, 0
        failed = self._api.mtmd_encode_chunk(self._context, piece.handle)
        self._stopped = bool
        if stopped():
            return None
        if failed:
            raise EngineError(
                tr("The engine could not look at a picture."),
                tr("It reports: {reason}.").format(reason=self._log.last_error("") or failed),
                tr("Ask without it, or with a smaller one."),
            )
        size = len(piece.tokens) * self.width
        return (ctypes.c_float * size).from_buffer_copy(
            ctypes.string_at(self._api.mtmd_get_output_embd(self._context), 4 * size)
        )

    @property
    def fraction(self) -> float:
        """How much of what is being encoded is, from 0 to 1; from any thread."""
        return min(self._nodes / self._all_nodes, 1.0) if self._all_nodes else 0.0

    def places(self, piece: PicturePiece, first: int) -> list[tuple[int, int, int, int]]:
        """The positions of each embedding of a piece that begins at position `first`, in M-RoPE's four dimensions."""
        tokens = self._api.mtmd_input_chunk_get_tokens_image(piece.handle)
        find = self._api.mtmd_image_tokens_get_decoder_pos
        found = (find(tokens, first, index) for index in range(len(piece.tokens)))
        return [(place.t, place.y, place.x, place.z) for place in found]

    def cost(self) -> PictureCost:
        """What pictures cost, found out with empty ones. Raises EngineError."""
        costs = {side: self._count(side, side) for side in _SIDES}
        least, most = costs[_SIDES[0]], costs[_SIDES[-1]]
        side = next((side for side in _SIDES if least < costs[side] < most), 0)
        return PictureCost(least, most, side * side / costs[side] if side else 0.0)

    def largest_piece(self) -> int:
        """Tokens of the largest piece that a picture comes to."""
        chunks = self._chunks(_SIDES[-1], _SIDES[-1])
        count = self._api.mtmd_input_chunk_get_n_tokens
        return max((int(count(each)) for each in chunks.handles if self._is_image(each)), default=0)

    def close(self) -> None:
        self._api.mtmd_free(self._context)

    def _count(self, width: int, height: int) -> int:
        chunks = self._chunks(width, height)
        return sum(int(self._api.mtmd_input_chunk_get_n_tokens(each)) for each in chunks.handles)

    def _is_image(self, handle: Any) -> bool:
        return bool(self._api.mtmd_input_chunk_get_type(handle) == _IMAGE)

    def _chunks(self, width: int, height: int, rgb: bytes | None = None) -> "_Chunks":
        """What mtmd makes of a picture; with `rgb` None of one of which nothing but the size is known."""
        data = ctypes.cast(ctypes.c_char_p(rgb), ctypes.POINTER(ctypes.c_uint8)) if rgb is not None else None
        bitmap = self._api.mtmd_bitmap_init(width, height, data)
        part = self._api.mtmd_input_part(None, bitmap)
        pointer = ctypes.POINTER(self._api.mtmd_input_part)
        chunks = _Chunks(self._api)
        try:
            failed = self._api.mtmd_tokenize_from_parts(
                self._context, chunks.pointer, (pointer * 1)(ctypes.pointer(part)), 1, False
            )
        finally:
            self._api.mtmd_bitmap_free(bitmap)
        if failed:
            raise EngineError(
                tr("The engine cannot look at a picture of {width} × {height} pixels.").format(
                    width=width, height=height
                ),
                tr("It reports: {reason}.").format(reason=self._log.last_error("") or failed),
                tr("Ask without it."),
            )
        return chunks

    def _text(self, handle: Any) -> Sequence[int]:
        count = ctypes.c_size_t()
        found = self._api.mtmd_input_chunk_get_tokens_text(handle, ctypes.byref(count))
        return list(found[: count.value])

    def _on_log(self, level: int, text: bytes, data: object) -> None:
        """Of mtmd's log, with the size of the graph in it, which is tried out once."""
        if (found := _GRAPH.search(text)) is not None:
            self._all_nodes = int(found[1])
        self._log.write(level, text, data)

    def _on_node(self, _tensor: object, ask: bool, _data: object) -> bool:
        """Asked by ggml before each node whether it is wanted by itself, and after one that is, whether to go on."""
        if not ask:
            return not self._stopped()
        self._nodes += 1
        return self._nodes % _EVERY_NODES == 0

    def _refused(self) -> EngineError | ResourceError:
        technical = "\n".join(self._log.complaints)
        if "allocate" in technical:
            return ResourceError(
                tr("There is not enough memory for the projector {file}.").format(file=self._path.name),
                remedy=tr("Choose a smaller model or a shorter context, or close other programs."),
                technical=technical,
            )
        if "mismatch between text model" in technical:
            return EngineError(
                tr("The projector {file} was made for another model.").format(file=self._path.name),
                remedy=tr("Fetch the one that belongs to this model."),
                technical=technical,
            )
        reason = self._log.last_error("error: ", "error") or tr("no reason given")
        return EngineError(
            tr("The projector {file} could not be loaded.").format(file=self._path.name),
            tr("The engine says: {reason}.").format(reason=reason.rstrip(".\n")[:300]),
            tr("Fetch it again, or load the model without it."),
            technical=technical,
        )


class _Chunks:
    """mtmd's list of chunks, freed with this."""

    def __init__(self, api: Any) -> None:
        self._free = api.mtmd_input_chunks_free
        self.pointer = api.mtmd_input_chunks_init()
        self._api = api

    @property
    def handles(self) -> list[Any]:
        count = self._api.mtmd_input_chunks_size(self.pointer)
        return [self._api.mtmd_input_chunks_get(self.pointer, index) for index in range(count)]

    def __del__(self) -> None:
        self._free(self.pointer)
