"""How parsers say that a file is not read, or not further."""

from desktop.documents.reader_messages import ReadingProblem


class RefusedFileError(Exception):
    """The file is not read, because of `problem`."""

    def __init__(self, problem: ReadingProblem) -> None:
        super().__init__(problem)
        self.problem: ReadingProblem = problem


class DocumentFullError(Exception):
    """As many characters or pages were read as are taken of one document; what was sent holds."""
