"""The questions offered on the empty page are answered to the point: they are the first thing a person sees."""

import pytest

from desktop.ui.chat.empty_state import EXAMPLES
from tests.journeys.command import latchkey

pytestmark = pytest.mark.usefixtures("accepted")

FACTS = {
    "How do I add a model?": "Open Models",
    "Are my chats private?": "stay on this machine",
    "What is a gated model?": "publisher",
    "Which quantization should I choose?": "Q4_K_M",
}


@pytest.mark.parametrize("question", EXAMPLES)
def test_a_question_offered_is_answered(question: str) -> None:
    answer = latchkey("ask", question, "--temperature", "0", "--json").json["text"]
    assert FACTS[question] in answer
