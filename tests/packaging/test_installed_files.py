"""What an installed Latchkey tells its system: what it is called, which files it opens, what it needs."""

import os
import plistlib
import re
import shutil
import subprocess
import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from desktop.ui.settings.about_section import NOTICES
from desktop.ui.system.process_events import desktop_file_name
from tests.packaging.scripts import PACKAGING, TOP, load_script

LINUX = PACKAGING / "linux"
tree = load_script("linux/installed_tree.py")
METAINFO = LINUX / f"{tree.APP_ID}.metainfo.xml"
VERSION = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
MEDIA_TYPE = "application/x-gguf"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "_internal").mkdir(parents=True)
    (folder / "latchkey").write_text('#!/bin/sh\necho started "$@"\n')
    (folder / "latchkey").chmod(0o755)
    (folder / "glibc-version").write_text("2.35\n")
    (folder / "_internal" / "libx.so.1").touch(mode=0o600)
    (folder / "_internal" / "libx.so").symlink_to("libx.so.1")
    return folder


def test_every_system_learns_of_the_same_file_type() -> None:
    desktop = ConfigParser(interpolation=None)
    desktop.read(LINUX / "latchkey.desktop", encoding="utf-8")
    entry = desktop["Desktop Entry"]
    assert MEDIA_TYPE in entry["MimeType"].split(";")
    assert entry["Exec"] == "latchkey %F"
    mime = ElementTree.parse(LINUX / "latchkey.xml").getroot()
    assert mime[0].get("type") == MEDIA_TYPE
    assert ElementTree.parse(METAINFO).getroot().findtext("provides/mediatype") == MEDIA_TYPE
    properties = plistlib.loads((PACKAGING / "macos" / "Info.plist").read_bytes())
    (exported,) = properties["UTImportedTypeDeclarations"]  # the type is llama.cpp's, not ours
    assert exported["UTTypeTagSpecification"] == {
        "public.filename-extension": ["gguf"],
        "public.mime-type": [MEDIA_TYPE],
    }
    assert properties["CFBundleDocumentTypes"][0]["LSItemContentTypes"] == [exported["UTTypeIdentifier"]]
    installer = (PACKAGING / "windows" / "latchkey.iss").read_text(encoding="utf-8")
    assert r'"""{app}\latchkey-window.exe"" ""%1"""' in installer
    assert r"Software\Classes\.gguf\OpenWithProgids" in installer


def test_software_centres_show_this_version_by_the_name_of_its_file() -> None:
    root = ElementTree.parse(METAINFO).getroot()
    assert root.findtext("id") == tree.APP_ID
    assert root.findtext("launchable") == "latchkey.desktop"
    assert next(each.get("version") for each in root.iterfind("releases/release")) == VERSION
    assert f"\nid: {tree.APP_ID}\n" in (LINUX / f"{tree.APP_ID}.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [["desktop-file-validate", LINUX / "latchkey.desktop"], ["appstreamcli", "validate", "--no-net", METAINFO]],
    ids=["desktop entry", "metainfo"],
)
def test_the_standards_own_tools_find_no_fault(command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


def test_windows_is_told_of_long_paths_and_dark_title_bars_and_macos_of_callbacks() -> None:
    manifest = ElementTree.parse(PACKAGING / "windows" / "latchkey.manifest").getroot()
    told = {each.tag.rpartition("}")[2]: each.text for each in manifest.iter() if each.text and each.text.strip()}
    assert told["longPathAware"] == "true"
    assert told["activeCodePage"] == "UTF-8"
    assert any(each.tag.endswith("supportedOS") for each in manifest.iter())
    properties = plistlib.loads((PACKAGING / "macos" / "Info.plist").read_bytes())
    assert properties["NSRequiresAquaSystemAppearance"] is False
    rights = plistlib.loads((PACKAGING / "macos" / "entitlements.plist").read_bytes())
    assert "com.apple.security.cs.disable-library-validation" not in rights
    assert rights["com.apple.security.cs.allow-unsigned-executable-memory"] is True
    assert "NSLocalNetworkUsageDescription" in properties


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
@pytest.mark.parametrize("identity", ["", "Developer ID Application: Somebody"])
def test_a_disk_image_is_signed_from_the_inside_out_and_notarized(identity: str, tmp_path: Path) -> None:
    """With what macOS has stood in for: each program writes down what it was asked."""
    app = tmp_path / "Latchkey.app"
    framework = "Contents/Frameworks/PySide6/Qt/lib/QtCore.framework"
    programs = ("Contents/MacOS/latchkey", "Contents/Frameworks/a b.so", f"{framework}/Versions/A/QtCore")
    for place in (*programs, "Contents/Resources/text.txt"):
        (app / place).parent.mkdir(parents=True, exist_ok=True)
        (app / place).write_text("text" if place.endswith("txt") else "Mach-O 64-bit")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("codesign", "xattr", "hdiutil", "xcrun", "spctl", "ditto", "file"):
        does = 'cat "$2"' if name == "file" else f'echo {name} "$@" >>{tmp_path}/asked'
        (tools / name).write_text(f"#!/bin/sh\n{does}\n")
        (tools / name).chmod(0o755)
    folder = tmp_path / "packaging" / "macos"  # dist/ lies beside it
    shutil.copytree(PACKAGING / "macos", folder)
    told = {"IDENTITY": identity, "PROFILE": "profile"} if identity else {}
    ended = subprocess.run(
        ["sh", folder / "dmg.sh", "0.1.0", app],
        env={"PATH": f"{tools}:{os.defpath}:/usr/bin", "TMPDIR": str(tmp_path), **told},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    asked = [line.replace(str(app), "APP") for line in (tmp_path / "asked").read_text().splitlines()]
    signed = [line for line in asked if line.startswith("codesign --force")]
    assert {line.rpartition("APP/")[2] for line in signed[:3]} == set(programs)
    assert [line.rpartition(" ")[2] for line in signed[3:5]] == [f"APP/{framework}", "APP"]
    assert "--entitlements" in signed[4]
    # A signature without a team must not ask for the hardened runtime, which would refuse the libraries.
    assert all(("--options runtime" in line) == bool(identity) for line in signed[:5])
    notarized = [line for line in asked if line.startswith("xcrun")]
    assert [line.split()[1:3] for line in notarized] == [["notarytool", "submit"], ["stapler", "staple"]] * (
        2 if identity else 0
    )
    assert asked.index(signed[4]) < next(n for n, line in enumerate(asked) if line.startswith("hdiutil"))


def test_an_app_for_macos_gets_what_is_inside_and_under_which_licenses(tmp_path: Path) -> None:
    build = load_script("bundle/build.py")
    inside = tmp_path / "latchkey" / "_internal"
    (inside / "licenses" / "shared").mkdir(parents=True)
    for name in ("latchkey.cdx.json", "THIRD-PARTY-NOTICES.txt", "licenses/shared/mit.txt"):
        (inside / name).write_text(name)
    resources = tmp_path / "Latchkey.app" / "Contents" / "Resources"
    resources.mkdir(parents=True)
    build.hand_on_accounts(tmp_path / "latchkey", tmp_path / "Latchkey.app")
    assert (resources.parent / "Frameworks" / NOTICES.name).read_text() == NOTICES.name  # where the settings look
    assert {path.relative_to(resources).as_posix() for path in resources.rglob("*") if path.is_file()} == {
        "latchkey.cdx.json",
        "THIRD-PARTY-NOTICES.txt",
        "licenses/shared/mit.txt",
    }


def test_windows_is_told_the_name_and_version_of_both_programs_and_the_installer_signs_them(tmp_path: Path) -> None:
    windows_version = load_script("bundle/windows_version.py")
    file = windows_version.write_version(tmp_path, "latchkey-window", "0.1.0")

    def noted(*values: Any, **named: Any) -> Any:
        return values or named

    names = (
        "VSVersionInfo",
        "FixedFileInfo",
        "StringFileInfo",
        "StringTable",
        "StringStruct",
        "VarFileInfo",
        "VarStruct",
    )
    found = eval(file.read_text(encoding="utf-8"), dict.fromkeys(names, noted))  # as PyInstaller reads it
    assert found["ffi"]["filevers"] == (0, 1, 0, 0)
    (strings,), _ = found["kids"]
    assert dict(strings[0][1])["FileDescription"] == "Latchkey"
    assert dict(strings[0][1])["OriginalFilename"] == "latchkey-window.exe"
    installer = (PACKAGING / "windows" / "latchkey.iss").read_text(encoding="utf-8")
    for name in ("latchkey.exe", "latchkey-window.exe"):
        assert re.search(rf'^Source: "\{{#Bundle\}}\\{name}".* \{{#Sign\}}$', installer, re.MULTILINE)
    assert "[UninstallDelete]" not in installer  # conversations stay
    assert "PrivilegesRequired=lowest" in installer


def test_an_installed_tree_holds_program_icons_and_what_desktops_and_shells_look_for(
    bundle: Path, tmp_path: Path
) -> None:
    built = tmp_path / "built"
    for name in (
        "icons/latchkey-16.png",
        "icons/latchkey-256.png",
        "pages/latchkey.1",
        "pages/_latchkey",
        "pages/latchkey.fish",
    ):
        (built / name).parent.mkdir(parents=True, exist_ok=True)
        (built / name).touch()
    root = tmp_path / "usr"
    tree.lay_out(bundle, root, built)
    tree.settle(root)
    assert (root / "bin" / "latchkey").resolve() == root / "lib" / "latchkey" / "latchkey"
    assert (root / "lib" / "latchkey" / "_internal" / "libx.so").is_symlink()
    share = {path.relative_to(root / "share").as_posix() for path in (root / "share").rglob("*") if path.is_file()}
    assert share == {
        "applications/latchkey.desktop",
        "doc/latchkey/copyright",
        "fish/vendor_completions.d/latchkey.fish",
        "icons/hicolor/16x16/apps/latchkey.png",
        "icons/hicolor/256x256/apps/latchkey.png",
        "icons/hicolor/scalable/apps/latchkey.svg",
        "man/man1/latchkey.1.gz",
        "mime/packages/latchkey.xml",
        "zsh/site-functions/_latchkey",
        f"metainfo/{tree.APP_ID}.metainfo.xml",
    }
    assert {path.lstat().st_mtime for path in root.rglob("*")} == {tree.TIME}
    assert (root / "lib" / "latchkey" / "_internal" / "libx.so.1").stat().st_mode & 0o777 == 0o644
    assert (root / "lib" / "latchkey" / "latchkey").stat().st_mode & 0o777 == 0o755


def test_a_container_is_built_for_every_processor_of_what_is_there() -> None:
    text = (LINUX / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    copied = {place for line in re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE) for place in line.split()}
    assert [place for place in copied if not (TOP / place).exists()] == []
    assert "llama_wheel.py --portable" in text
    assert "GGML_AVX" not in text
    compiler = (PACKAGING / "llama_wheel.py").read_text(encoding="utf-8")
    for used in (*re.findall(r'"packaging" / "([\w.]+)"', compiler), "amx_probe.c"):
        assert f"packaging/{used}" in copied


def test_a_flatpak_exports_files_by_its_own_name_alone_and_asks_for_no_folder(bundle: Path, tmp_path: Path) -> None:
    manifest = yaml.safe_load((LINUX / f"{tree.APP_ID}.yml").read_text(encoding="utf-8"))
    (module,) = manifest["modules"]
    (source,) = module["sources"]
    laid_out = (LINUX / source["path"]).resolve()
    assert f"{laid_out.relative_to(TOP)}\n" in (TOP / "Makefile").read_text(encoding="utf-8")
    (tmp_path / "built" / "icons").mkdir(parents=True)
    (tmp_path / "built" / "icons" / "latchkey-256.png").touch()
    tree.lay_out(bundle, tmp_path / source["dest"], tmp_path / "built")
    app = tmp_path / "app"
    app.mkdir()
    for command in module["build-commands"]:  # with /app here
        subprocess.run(["sh", "-ec", command.replace("/app/", f"{app}/")], cwd=tmp_path, check=True)
    assert os.access(app / "bin" / manifest["command"], os.X_OK)
    share = {path.relative_to(app / "share").as_posix() for path in (app / "share").rglob("*") if path.is_file()}
    # What flatpak-builder renames by itself.
    assert f"applications/{manifest['rename-desktop-file']}" in share
    assert {path for path in share if path.startswith("icons/")} == {
        f"icons/hicolor/{size}/apps/{manifest['rename-icon']}.{suffix}"
        for size, suffix in (("256x256", "png"), ("scalable", "svg"))
    }
    assert [path for path in share if path.startswith("mime/")] == [f"mime/packages/{manifest['id']}.xml"]
    metainfo = ElementTree.parse(app / "share" / "metainfo" / f"{manifest['id']}.metainfo.xml").getroot()
    assert metainfo.findtext("launchable") == f"{manifest['id']}.desktop"
    assert desktop_file_name({"FLATPAK_ID": manifest["id"]}) == manifest["id"]
    assert f"{desktop_file_name({})}.desktop" == manifest["rename-desktop-file"]
    assert metainfo.find("icon") is None  # it would keep the old name
    folders = [each for each in manifest["finish-args"] if each.startswith("--filesystem")]
    assert folders == ["--filesystem=host-etc:ro"]  # where desktop/paths.py looks for a policy
    assert [each for each in manifest["finish-args"] if "kwallet" in each] == []  # no back end of ours speaks to it
    assert manifest["build-options"] == {"no-debuginfo": True}


@pytest.mark.parametrize(
    ("system", "starts"),
    [("glibc 2.31", False), ("glibc 2.4", False), ("glibc 2.35", True), ("glibc 3.0", True), ("", False)],
)
def test_an_appimage_refuses_an_old_c_library_in_one_sentence(
    system: str, starts: bool, bundle: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "AppDir"
    shutil.copytree(bundle, folder / "usr" / "lib" / "latchkey", symlinks=True)
    shutil.copyfile(LINUX / "AppRun", folder / "AppRun")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "getconf").write_text(f"#!/bin/sh\n[ -n '{system}' ] && echo '{system}'\n")
    (tools / "getconf").chmod(0o755)
    ended = subprocess.run(
        ["sh", folder / "AppRun", "a model.gguf"],
        env={"PATH": f"{tools}:{os.defpath}:/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == ("started a model.gguf\n" if starts else "")
    assert ended.returncode == (0 if starts else 1)
    if not starts:
        (sentence,) = ended.stderr.splitlines()
        assert sentence.startswith("Latchkey needs the GNU C library 2.35 or newer")
