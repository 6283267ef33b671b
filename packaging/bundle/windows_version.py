"""What Windows shows of a program: its name in “Open with” and in the task manager, version and maker."""

from pathlib import Path

_FORM = """\
VSVersionInfo(
    ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3F, flags=0x0, OS=0x40004, fileType=0x1, subtype=0x0, date=(0, 0)),
    kids=[
        StringFileInfo([StringTable("040904B0", [
            StringStruct("CompanyName", "The Latchkey authors"),
            StringStruct("FileDescription", "Latchkey"),
            StringStruct("FileVersion", "{version}"),
            StringStruct("InternalName", "{name}"),
            StringStruct("LegalCopyright", "The Latchkey authors, Apache License 2.0"),
            StringStruct("OriginalFilename", "{name}.exe"),
            StringStruct("ProductName", "Latchkey"),
            StringStruct("ProductVersion", "{version}"),
        ])]),
        VarFileInfo([VarStruct("Translation", [0x409, 1200])]),
    ],
)
"""  # noqa: E501 - read by PyInstaller


def write_version(folder: Path, name: str, version: str) -> Path:
    """The file that PyInstaller makes the resource of the program `name` of, written into `folder`. `version` has one
    number or more, and at most four."""
    numbers = tuple([*map(int, version.split(".")), 0, 0, 0, 0][:4])
    file = folder / f"{name}-version.txt"
    file.write_text(_FORM.format(numbers=numbers, version=version, name=name), encoding="utf-8")
    return file
