"""The ledger as files for others: JSON that can be verified elsewhere, CSV, a report to read, a bill of materials."""

from desktop.licenses.export.export_document import (
    ExportedAncestor,
    ExportedLicense,
    ExportedModel,
    ExportedRestriction,
)
from desktop.licenses.export.export_formats import UnknownExportFormatError, write_export
from desktop.licenses.export.json_export import verify_export

__all__ = [
    "ExportedAncestor",
    "ExportedLicense",
    "ExportedModel",
    "ExportedRestriction",
    "UnknownExportFormatError",
    "verify_export",
    "write_export",
]
