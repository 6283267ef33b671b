"""Whose certificates hold: those of the system's own store, and of a file that a company hands out."""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

import truststore

from desktop.network.failures import ca_unusable


def trusted_context(ca_file: Path | None, environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """A context that believes the system's store, `ca_file` and, on every system, the file in SSL_CERT_FILE.

    Raises RequestError of kind "tls" where one of the files cannot be read.
    """
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for file in (ca_file, environ.get("SSL_CERT_FILE")):
        if file:
            try:
                context.load_verify_locations(cafile=file)
            except (OSError, ValueError) as error:  # ssl's own errors are OSErrors
                raise ca_unusable(str(file), error) from error
    return context
