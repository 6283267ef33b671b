"""What stands before an AppImage's image: runs what is inside, with and without a mount, and leaves nothing behind."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.scripts import load_script

HEADERS = (Path("/usr/include/squashfuse/ll.h"), Path("/usr/include/fuse3/fuse.h"), Path("/usr/include/zstd.h"))
pytestmark = pytest.mark.skipif(
    not all(each.exists() for each in HEADERS) or shutil.which("mksquashfs") is None,
    reason="needs what packaging/README.md names for an AppImage",
)
SCRIPT = """\
#!/bin/sh
echo "$APPDIR"
cat "$APPDIR/folder/link"
for each in "$@"; do echo "[$each]"; done
exit 7
"""


@pytest.fixture(scope="module")
def appimage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("appimage")
    inside = folder / "AppDir"
    (inside / "folder").mkdir(parents=True)
    (inside / "AppRun").write_text(SCRIPT)
    (inside / "AppRun").chmod(0o755)
    (inside / "folder" / "file").write_text("inside\n")
    (inside / "folder" / "empty").touch()
    (inside / "folder" / "link").symlink_to("file")
    pack = ["mksquashfs", str(inside), str(folder / "image"), "-all-root", "-comp", "zstd", "-no-progress"]
    subprocess.run(pack, check=True, capture_output=True)
    load_script("linux/appimage.py").compile_runtime(folder / "runtime")
    made = folder / "Small.AppImage"
    made.write_bytes((folder / "runtime").read_bytes() + (folder / "image").read_bytes())
    made.chmod(0o755)
    return made


def _run(appimage: Path, temporary: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [appimage, *arguments],
        env={"PATH": os.defpath, "TMPDIR": str(temporary), **environment},
        cwd=temporary,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_it_is_an_appimage_of_type_2_whose_image_begins_where_it_ends(appimage: Path, tmp_path: Path) -> None:
    data = appimage.read_bytes()
    assert data[8:11] == b"AI\x02"
    offset = int(_run(appimage, tmp_path, "--appimage-offset").stdout)
    assert data[offset : offset + 4] == b"hsqs"


@pytest.mark.parametrize("asked", ["argument", "environment"])
def test_without_a_mount_it_is_unpacked_run_and_removed(asked: str, appimage: Path, tmp_path: Path) -> None:
    if asked == "argument":
        ended = _run(appimage, tmp_path, "--appimage-extract-and-run", "a b", "--help")
    else:
        ended = _run(appimage, tmp_path, "a b", "--help", APPIMAGE_EXTRACT_AND_RUN="1")
    folder, *said = ended.stdout.splitlines()
    assert Path(folder).parent == tmp_path
    assert said == ["inside", "[a b]", "[--help]"]
    assert ended.returncode == 7
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_linked_into_it_but_what_its_notices_name(appimage: Path, tmp_path: Path) -> None:
    """LZO is under the GPL, and nothing is compressed with it."""
    script = load_script("linux/appimage.py")
    assert not {"lzo2", "lz4", "lzma", "z"}.intersection(script._LIBRARIES)
    assert b"LZO library" not in appimage.read_bytes()
    told = script.runtime_notices()
    for words in ("squashfuse", "libfuse3-dev", "GNU LESSER GENERAL PUBLIC LICENSE", "appimage_runtime.c"):
        assert words in told
    with pytest.raises(SystemExit, match="libsquashfuse-dev"):
        script.runtime_notices(tmp_path)


def test_it_can_be_unpacked_for_good(appimage: Path, tmp_path: Path) -> None:
    assert _run(appimage, tmp_path, "--appimage-extract").stdout == "squashfs-root\n"
    unpacked = tmp_path / "squashfs-root"
    assert (unpacked / "folder" / "link").readlink() == Path("file")
    assert (unpacked / "folder" / "empty").read_bytes() == b""
    assert os.access(unpacked / "AppRun", os.X_OK)


def test_where_it_cannot_be_unpacked_one_sentence_says_so(appimage: Path, tmp_path: Path) -> None:
    broken = tmp_path / "Broken.AppImage"
    offset = int(_run(appimage, tmp_path, "--appimage-offset").stdout)
    broken.write_bytes(appimage.read_bytes()[: offset + 200])
    broken.chmod(0o755)
    ended = _run(broken, tmp_path, "--appimage-extract-and-run")
    (sentence,) = [line for line in ended.stderr.splitlines() if line.startswith("Latchkey")]
    assert sentence.startswith("Latchkey cannot be unpacked into")
    assert ended.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["Broken.AppImage"]
