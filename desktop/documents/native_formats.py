"""Which files are parsed by native code: a hostile one might take over the process that reads it, and with it what that
process says of the files after it. So it gets a process of its own.
"""

HEAD_SIZE = 1024
"""How much of a file's beginning tells."""


def is_pdf(head: bytes) -> bool:
    """Whether it is a PDF: other things may stand before the mark, and readers of PDF pass over them."""
    return b"%PDF-" in head[:HEAD_SIZE]


def is_zipped(head: bytes) -> bool:
    """Whether it is a zip, as the documents of office programs are, whose XML native code parses."""
    return head.startswith((b"PK\3\4", b"PK\5\6"))


def is_parsed_natively(head: bytes) -> bool:
    """Whether the document that begins with `head` is parsed by native code. All others are by Python's own."""
    return is_pdf(head) or is_zipped(head)
