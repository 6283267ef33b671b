"""What the reader says, in sentences: why a file is not read, and what is to be known about one that was."""

from desktop.documents.reader_messages import ReadingNote, ReadingProblem
from desktop.errors import PasswordNeededError, ResourceError, UnreadableFileError, UserError
from desktop.safe_text import safe_line
from desktop.translation import tr, trn

_MOST_SHOWN, _LONGEST = 20, 300


def refusal_error(name: str, problem: ReadingProblem, technical: str = "") -> UserError:
    """The error for a file called `name` that the reader does not read; `technical` is what the reader says."""
    technical = safe_line(technical, _LONGEST)
    match problem:
        case "password-needed":
            title = tr("{name} is protected with a password.").format(name=name)
            return PasswordNeededError(title, "", tr("Enter its password."))
        case "password-wrong":
            title = tr("This is not the password of {name}.").format(name=name)
            return PasswordNeededError(title, "", tr("Enter its password."), wrong=True)
        case "library-missing":
            return ResourceError(
                tr("{name} cannot be read: a part of Latchkey is missing.").format(name=name),
                technical,
                tr("Install Latchkey again."),
                technical=technical,
            )
    title, detail, remedy = _words(problem)
    return UnreadableFileError(title.format(name=name), detail, remedy, technical=technical)


def _words(problem: ReadingProblem) -> tuple[str, str, str]:
    match problem:
        case "archive":
            return tr("{name} is an archive."), "", tr("Unpack it, and choose the files in it.")
        case "binary":
            detail = tr("Its bytes are no characters of any known encoding.")
            return tr("{name} holds no text."), detail, tr("Choose a document, a table or a text.")
        case "bomb":
            detail = tr("It is made so that it becomes huge when it is opened, as files meant to do harm are.")
            return tr("{name} is not opened."), detail, tr("Read it only if you know where it comes from.")
        case "image":
            return tr("{name} is a picture, not a document."), "", tr("Attach it as a picture.")
        case "image-too-large":
            detail = tr("It has more pixels than are decoded.")
            return tr("The picture {name} is too large."), detail, tr("Make it smaller, and attach that.")
        case "memory":
            return tr("Reading {name} takes too much memory."), "", tr("Take the part of it that you need.")
        case "no-image":
            detail = tr("Pictures can be PNG, JPEG, WebP, GIF, BMP or TIFF.")
            return tr("{name} is no picture that can be read."), detail, tr("Save it as PNG or JPEG, and attach that.")
        case "office-encrypted":
            detail = tr("Documents of office programs that are protected with a password cannot be read.")
            return tr("{name} is encrypted."), detail, tr("Save it without a password, or as PDF.")
        case "old-office":
            detail = tr("It is in a format that office programs used before 2007.")
            return tr("{name} cannot be read."), detail, tr("Save it as DOCX, XLSX or PDF, and choose that.")
        case "other-office":
            return tr("{name} is in a format that is not read."), "", tr("Save it as DOCX, ODT, XLSX or PDF.")
        case "presentation":
            return tr("{name} is a presentation, which is not read."), "", tr("Save it as PDF, and choose that.")
        case "rich-text":
            return tr("{name} is in Rich Text Format, which is not read."), "", tr("Save it as DOCX, ODT or PDF.")
        case _:
            detail = tr("It is not of the kind that its first bytes say, or a part of it is missing.")
            return tr("{name} is damaged."), detail, tr("Get it again from where it came from, or save it anew.")


def ended_error(name: str, technical: str) -> UnreadableFileError:
    """The process that read the file called `name` has died of it."""
    return UnreadableFileError(
        tr("{name} cannot be read.").format(name=name),
        tr("The process that reads files ended over it. Nothing else was touched."),
        tr("It is damaged or made to do harm: get it again from where it came from."),
        technical=technical,
    )


def stalled_error(name: str) -> UnreadableFileError:
    """Nothing came of reading it for too long."""
    return UnreadableFileError(
        tr("Reading {name} took too long, and was stopped.").format(name=name),
        tr("It is very complicated, or made to keep programs busy."),
        tr("Take the part of it that you need."),
    )


def note_text(note: ReadingNote) -> str:
    """`note` as a sentence."""
    shown = ", ".join(safe_line(name, _LONGEST) for name in note.names[:_MOST_SHOWN]) + (
        " …" if len(note.names) > _MOST_SHOWN else ""
    )
    count = f"{note.count:,}"
    match note.kind:
        case "attachments":
            words = trn(
                "{count} attachment is not read: {names}.", "{count} attachments are not read: {names}.", note.count
            )
        case "bytes-replaced":
            words = tr("Some bytes are no characters; each is shown as \ufffd.")
        case "cut":
            words = tr("It has more than {count} characters; what comes after is left out.")
        case "cut-pages":
            words = tr("It has more than {count} pages; what comes after is left out.")
        case "empty":
            words = tr("The file is empty.")
        case "encoding":
            words = tr("It does not say in which encoding it is written; it was read as {names}.")
        case "hidden-sheets":
            words = trn("{count} sheet is hidden: {names}.", "{count} sheets are hidden: {names}.", note.count)
        case "no-text":
            words = tr("None of its pages holds text: it seems to be scanned.")
        case "pages-unreadable":
            words = trn(
                "{count} page is damaged and could not be read: {names}.",
                "{count} pages are damaged and could not be read: {names}.",
                note.count,
            )
        case "pages-without-text":
            words = trn(
                "{count} page holds no text, as scanned pages do: {names}.",
                "{count} pages hold no text, as scanned pages do: {names}.",
                note.count,
            )
        case "tracked-changes":
            words = tr("It has tracked changes; it was read as if all of them were accepted.")
    return words.format(count=count, names=shown)
