"""Accepting licenses in a test's home the way a person does, through the desk: most tests are about something else."""

from pathlib import Path

from desktop.library.library_services import LibraryServices, build_library_services
from desktop.licenses.acknowledgements import Acceptance
from desktop.paths import find_paths


def accept(assembly: LibraryServices, model_id: str, person: str = "Test Person") -> None:
    """Accept every license of a model, for research, as `person`."""
    subject = assembly.library.find_listed(model_id).subject
    for needed in subject.needed:
        assembly.acknowledgements.accept(subject, needed.id, needed.text_sha256, Acceptance(person, "research"))


def accept_everything(home: Path) -> LibraryServices:
    """Accept the licenses of every model on this disk that needs it, in the home that the environment names; what was
    put together. The built-in model is a part of Latchkey and needs nothing.

    `home` is that home, so that no test can accept anything in a person's own.
    """
    paths = find_paths()
    assert paths.data.is_relative_to(home)
    assembly = build_library_services(paths)
    for model in assembly.library.models():
        if not model.built_in:
            accept(assembly, model.id)
    assembly.ledger.close()  # the window opens it next, and one process holds such a file once
    return assembly


def import_and_accept(home: Path, file: Path) -> str:
    """Add a file to the library and accept its licenses; the model's id."""
    paths = find_paths()
    assert paths.data.is_relative_to(home)
    assembly = build_library_services(paths)
    model = assembly.importer.add(file)
    accept(assembly, model.id)
    assembly.ledger.close()
    return model.id
