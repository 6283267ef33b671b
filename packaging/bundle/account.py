"""Accounts for a finished bundle: puts its bill of materials, its notices and the texts of all licenses into it.

    python packaging/bundle/account.py [BUNDLE] [--work FOLDER] [--packages SITE-PACKAGES] [--list]

Run with the Python of the environment that the bundle was made of, or with another one and --packages. The bundle gets
_internal/latchkey.cdx.json (CycloneDX 1.7), _internal/THIRD-PARTY-NOTICES.txt and _internal/licenses. Fails where
nobody knows where a file comes from, and where a part has neither license nor text. --list prints what is inside and
writes nothing.
"""

import argparse
import os
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(TOP / "packaging"))

from bundle import inventory, notices, rust_crates, sbom  # noqa: E402 - found only now
from bundle.embedded import LICENSES  # noqa: E402
from bundle.part import Part  # noqa: E402

BILL = "latchkey.cdx.json"
NOTICES = "THIRD-PARTY-NOTICES.txt"
SHARED = "shared"
EPOCH = "1767225600"
"""2026-01-01, where SOURCE_DATE_EPOCH says nothing else."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("bundle", type=Path, nargs="?", default=TOP / "build" / "bundle" / "latchkey")
    parser.add_argument("--work", type=Path, help="PyInstaller's folder of this build (default: beside the bundle)")
    parser.add_argument("--packages", type=Path, default=Path(sysconfig.get_path("purelib")))
    parser.add_argument("--list", action="store_true", help="print what is inside, as JSON, and write nothing")
    options = parser.parse_args()
    bundle = options.bundle.resolve()
    work = options.work or bundle.parent.parent / f"{bundle.parent.name}-work" / "latchkey"
    try:
        found = inventory.take_inventory(bundle, work, options.packages)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    if options.list:
        print(inventory.as_json(found))
        return
    if found.unknown:
        raise SystemExit("Nobody knows where these come from: " + ", ".join(found.unknown))
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", EPOCH))
    account(bundle, [with_standard_text(part) for part in found.parts], epoch)
    print(f"{bundle}: {len(found.parts)} parts accounted for")
    if bare := rust_crates.without_notice(found.parts):
        print("Crates without a copyright notice (resources/licenses/bundled/rust-crates.txt): " + ", ".join(bare))


def account(bundle: Path, parts: Sequence[Part], epoch: int) -> None:
    """Write bill, notices and texts of `parts` into `bundle`. Raises SystemExit where a part has no license or text."""
    unlicensed = [part.name for part in parts if not part.license and not part.texts]
    if missing := sorted({*unlicensed, *(part.name for part in notices.without_text(parts))}):
        raise SystemExit("These have no license text: " + ", ".join(missing))
    inside = bundle / inventory.INSIDE
    (inside / NOTICES).write_text(notices.third_party_notices(parts), encoding="utf-8", newline="\n")
    put_texts(inside / "licenses", parts)
    (inside / BILL).write_text(sbom.bill_of_materials(bundle, parts, epoch), encoding="utf-8", newline="\n")


def put_texts(folder: Path, parts: Sequence[Part]) -> None:
    """Make `folder` anew: a folder for each part that brings texts, with these, and one for texts that are shared."""
    shutil.rmtree(folder, ignore_errors=True)
    for part in parts:
        for number, path in enumerate(part.texts):
            shared = path.is_relative_to(LICENSES)
            place = folder / (SHARED if shared else f"{part.name}-{part.version}".replace("/", "_").replace(":", "_"))
            place.mkdir(parents=True, exist_ok=True)
            target = place / path.name
            shutil.copyfile(path, place / f"{number}-{path.name}" if target.exists() and not shared else target)


def with_standard_text(part: Part) -> Part:
    """`part`, with its license's standard text where it brings none."""
    texts = notices.OWN_TEXTS.get(part.name) or notices.STANDARD_TEXTS.get(part.license, ())
    return part if part.texts or part.holder else replace(part, texts=texts)


if __name__ == "__main__":
    main()
