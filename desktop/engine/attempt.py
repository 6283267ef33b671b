"""One attempt at loading a model: the file checked and let through the door, its size measured against the machine."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from desktop.engine import hardware
from desktop.engine.header import Header, read_header
from desktop.engine.interface import Door
from desktop.engine.ladder import Rung, next_rung
from desktop.engine.memory import fitting_context
from desktop.engine.messages import Load, Probed
from desktop.errors import EngineError
from desktop.translation import tr


@dataclass
class Attempt:
    """How a model is being loaded, or was. `past_weights` says that its weights were all read."""

    rung: Rung
    header: Header
    gpu: bool = False
    past_weights: bool = False

    @classmethod
    def begin(cls, rung: Rung, door: Door) -> "Attempt":
        """Check the file, then ask the license door. Raises UserError."""
        path = _readable_path(rung.params.model_path)
        header = read_header(path)
        door.admit(path)
        return cls(rung, header)

    @property
    def path(self) -> Path:
        """The model's file."""
        return Path(self.rung.params.model_path)

    def request(self, probed: Probed) -> Load:
        """What to send the worker, now that its devices are known. Raises ResourceError where the model cannot fit."""
        params = self.rung.params
        self.gpu = any(device.kind in ("gpu", "integrated-gpu") for device in probed.devices)
        on_cpu = not self.gpu or params.gpu_layers == 0
        free = hardware.available_memory() if on_cpu else None
        flash = params.flash_attention != "off"
        length = fitting_context(
            self.header.shape, self.header.context_length, params.context_length, free, flash=flash
        )
        return Load(msgspec.structs.replace(params, context_length=length))

    def next_rung(self, *, lacked_memory: bool = False) -> Rung | None:
        """A more cautious way, after this one crashed or lacked a GPU's memory; None where there is none."""
        return next_rung(self.rung.params, self.header.block_count, self.gpu, lacked_memory=lacked_memory)


def _readable_path(path: str) -> Path:
    """`path`, unless its name is in no encoding that can be passed on."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise EngineError(
            tr("The name of this file or of a folder above it is not readable."), remedy=tr("Rename it.")
        ) from error
    return Path(path)
