"""From what a person types to an adapter (LoRA): its id, or the path of its file."""

from desktop.engine.adapter_header import read_adapter
from desktop.errors import EngineError, NotFoundError
from desktop.library.library import Library
from desktop.library.library_model import LibraryModel
from desktop.paths import expanded
from desktop.translation import tr


def find_adapter(library: Library, id_or_path: str) -> LibraryModel:
    """The imported adapter that goes by this id, or whose file lies at this path.

    Raises NotFoundError where there is neither, EngineError where the file is no sound adapter, and LicenseError for
    one that was never imported.
    """
    for listed in library.adapters():
        if listed.model is not None and id_or_path in (listed.model.id, listed.model.file_id):
            return listed.model
    path = expanded(id_or_path)
    if not path.is_file():
        raise NotFoundError(
            tr("There is no adapter {name}.").format(name=id_or_path),
            "",
            tr("Give the path of its GGUF file, or the id that it was given at import."),
        )
    read_adapter(path.absolute())
    found = library.find_listed(library.subject_at(path).id).model
    if found is None or not found.adapter:
        raise EngineError(tr("{file} was imported as a model.").format(file=path.name), remedy=tr("Import it again."))
    return found
