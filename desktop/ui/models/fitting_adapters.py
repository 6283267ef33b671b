"""The imported adapters (LoRA) that fit a model, as its page shows them."""

from typing import TYPE_CHECKING

from desktop.engine.adapter_header import check_adapter_fits, read_adapter
from desktop.engine.gguf_header import read_header
from desktop.errors import UserError
from desktop.ui.models.adapter_section import AdapterItem
from desktop.ui.models.model_text import license_ids, status_label

if TYPE_CHECKING:
    from desktop.library.library import Library


def fitting_adapters(library: "Library", model_id: str) -> tuple[AdapterItem, ...]:
    """Those that fit the model, by name; one whose file cannot be read fits none. Reads files: off the main thread.

    Raises what `Library.find_listed` and `read_header` do.
    """
    adapters, model = library.adapters(), library.find_listed(model_id).model
    if not adapters or model is None:
        return ()
    header, items = read_header(model.path), []
    for listed in adapters:
        adapter = listed.model
        if adapter is None or adapter.state != "here":
            continue
        try:
            check_adapter_fits(read_adapter(adapter.path), header)
        except UserError:
            continue
        card = library.card_of(listed)
        state = " · ".join((*license_ids(listed.subject), status_label(card).text))
        waits = card.verdict.refusal == "license"
        name = listed.subject.name
        items.append(AdapterItem(adapter.id, str(adapter.path), name, state, card.verdict.allowed, waits))
    return tuple(items)
