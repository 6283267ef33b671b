"""Models that journeys need beside the built-in one."""

from pathlib import Path

from desktop.paths import find_paths
from desktop.settings import SettingsFile
from tests.fakes.tiny_gguf import WORDS, scripted_model, spm_vocabulary


def let_answers_repeat() -> None:
    """Switch off the setting that would end what an endless model says."""
    SettingsFile(find_paths().settings_file).change(stop_on_repetition=False)


def endless_model(path: Path) -> Path:
    """A model that says a few words over and over, and has room to go on for long."""
    vocabulary = spm_vocabulary()
    words = [f"▁{word}" for word in WORDS[:8]]
    vocabulary.eos = vocabulary.id(words[0])  # after the last word comes the first one; the real end is set below
    end = {"tokenizer.ggml.eos_token_id": 2}
    return scripted_model(path, words, vocabulary=vocabulary, context_length=262_144, metadata=end)
