"""Which keeper holds the ledger's key on this system."""

import os
from collections.abc import Mapping

from desktop.credentials.file_keeper import FileKeeper
from desktop.credentials.keeper import Keeper
from desktop.credentials.keyring_client import KeyringClient
from desktop.credentials.system_keeper import SystemKeeper
from desktop.paths import Paths


def find_keeper(paths: Paths, environ: Mapping[str, str] = os.environ, keyring: KeyringClient | None = None) -> Keeper:
    """The keyring, or files in the config folder where there is none; building it asks nothing yet.

    With LATCHKEY_HOME it is the files: such a home is carried to other machines, and has to carry its key along.
    """
    files = FileKeeper(paths.config)
    return files if environ.get("LATCHKEY_HOME") else SystemKeeper(paths.ledger_file, files, keyring=keyring)
