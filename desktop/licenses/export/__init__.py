"""The ledger as files for others: JSON that can be verified elsewhere, CSV, a report to read, a bill of materials."""

from desktop.licenses.export.document import ExportedAncestor, ExportedLicense, ExportedModel, ExportedRestriction
from desktop.licenses.export.verify import verify_export
from desktop.licenses.export.writing import UnknownFormError, export

__all__ = [
    "ExportedAncestor",
    "ExportedLicense",
    "ExportedModel",
    "ExportedRestriction",
    "UnknownFormError",
    "export",
    "verify_export",
]
