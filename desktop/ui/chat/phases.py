"""What an answer waits for, in words."""

from desktop.translation import tr


def phase_text(phase: str, fraction: float | None) -> str:
    """A phase of an answer, and how far it is where that is known (0 to 1); "" for one without words."""
    words = {
        "waiting": tr("Waiting…"),
        "loading": tr("Loading the model…"),
        "reading": tr("Reading…"),
        "thinking": tr("Thinking…"),
    }
    word = words.get(phase, "")
    if word and fraction is not None and fraction < 1:
        return tr("{what} {percent} %").format(what=word, percent=round(fraction * 100))
    return word
