"""What may happen where a conversation no longer fits the model's context, in words."""

from desktop.conversation import ContextChoice
from desktop.translation import tr


def context_choices() -> tuple[tuple[ContextChoice, str], ...]:
    """Each choice with its words, in the order in which they are offered."""
    return (
        ("ask", tr("Ask me")),
        ("drop-oldest", tr("Leave out the oldest messages")),
        ("summarize", tr("Summarize the oldest messages")),
        ("stop", tr("Stop")),
    )
