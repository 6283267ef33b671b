"""What is set for a chat, a folder or a model holds from the next answer on, and is stored where it belongs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.chat.answer_overrides import AnswerOverrides
from desktop.chat.chat_events import AnswerFinished, AnswerPlaceChanged, ChatFailed
from desktop.chat.conversation_options import AnswerPlaces, changed_options, own_values
from desktop.chat.preset_file import Preset, PresetFile
from desktop.conversation import ChatOptions, Conversation, Folder
from desktop.engine.generation_options import GenerationOptions, SamplingParams, ThinkingOptions
from desktop.errors import ResourceError
from desktop.settings import ModelSettings, Settings
from desktop.storage.chat_options_store import ChatOptionsStore
from tests.fakes.talk import Talk

Begin = Callable[..., Talk]


def in_folder(talk: Talk, folder_id: str = "f", **options: object) -> ChatOptionsStore:
    """A folder with the open chat in it, which has been asked something."""
    talk.ask("Hello")
    with talk.store.database.write() as connection:
        connection.execute(
            "INSERT INTO folders (id, name, position, system_prompt, created_at, folded) VALUES (?, 'F', 0, '', 0, 0)",
            (folder_id,),
        )
        connection.execute("UPDATE conversations SET folder_id = ?", (folder_id,))
    store = ChatOptionsStore(talk.store.database)
    store.change_folder(folder_id, lambda folder: changed_options(folder, options))
    return store


def test_a_new_chat_keeps_what_was_set_before_its_first_message(begin: Begin) -> None:
    talk = begin()
    conversation = talk.chat.current_id
    assert conversation is not None
    talk.chat.options.change(conversation, {"temperature": 0.0, "system_prompt": "Be brief."})
    told = talk.until_told(AnswerPlaceChanged).conversation
    assert told is not None
    assert told.system_prompt == "Be brief."
    assert talk.store.find_conversation(conversation) is None, "nothing was said yet"
    talk.ask("Hello")
    (request,) = talk.fake.requests
    assert request.messages[0].text == "Be brief."
    assert request.options.sampling.temperature == 0.0
    stored = talk.store.conversation(conversation)
    assert (stored.system_prompt, stored.options) == ("Be brief.", ChatOptions(sampling={"temperature": 0.0}))


def test_what_is_set_while_a_new_chat_is_being_stored_is_not_lost(begin: Begin) -> None:
    talk = begin()
    conversation = talk.chat.current_id or ""
    talk.chat.send("Hello")
    talk.chat.options.change(conversation, {"top_k": 5})
    talk.until_told(AnswerFinished)
    talk.settled()
    assert talk.store.conversation(conversation).options.sampling == {"top_k": 5}


def test_a_change_holds_from_the_next_answer_on_and_leaves_the_rest(begin: Begin) -> None:
    talk = begin()
    talk.ask("One")
    conversation = talk.chat.current_id or ""
    talk.chat.options.change(conversation, {"temperature": 0.2, "top_k": 9, "max_tokens": 33})
    talk.ask("Two")
    talk.chat.options.change(conversation, {"temperature": None})
    talk.ask("Three")
    asked = [(each.options.sampling.temperature, each.options.max_tokens) for each in talk.fake.requests]
    assert asked == [(None, None), (0.2, 33), (None, 33)]
    assert talk.fake.requests[2].options.sampling.top_k == 9
    assert talk.store.conversation(conversation).updated_at == talk.now, "no change of settings moves it in the list"


def test_a_folders_values_count_below_the_chats(begin: Begin) -> None:
    talk = begin(settings=Settings(system_prompt="General."))
    in_folder(talk, temperature=0.4, top_p=0.5, system_prompt="Of the folder.")
    talk.chat.options.change(talk.chat.current_id or "", {"temperature": 0.1})
    talk.ask("Again")
    request = talk.fake.requests[-1]
    assert request.messages[0].text == "Of the folder."
    assert (request.options.sampling.temperature, request.options.sampling.top_p) == (0.1, 0.5)
    talk.chat.options.change_folder("f", {"system_prompt": ""})
    told = talk.until_told(AnswerPlaceChanged, 2).folder
    assert told is not None
    assert told.system_prompt == ""
    talk.ask("And now")
    assert talk.fake.requests[-1].messages[0].text == "General."


def test_an_override_for_one_message_changes_what_it_says_and_nothing_else(begin: Begin) -> None:
    def change(counts: GenerationOptions) -> GenerationOptions:
        return Preset(sampling=SamplingParams(temperature=1.0)).applied(counts)

    talk = begin()
    talk.chat.options.change(talk.chat.current_id or "", {"temperature": 0.2, "top_k": 4, "system_prompt": "Chat."})
    talk.chat.send("One", overrides=AnswerOverrides(change=change))
    talk.until_told(AnswerFinished)
    talk.ask("Two")
    first, second = talk.fake.requests
    assert (first.options.sampling.temperature, first.options.sampling.top_k) == (1.0, 4)
    assert first.messages[0].text == "Chat."
    assert second.options.sampling.temperature == 0.2


def test_another_context_loads_the_model_again_before_the_answer_and_back_after_it(begin: Begin) -> None:
    talk = begin(settings=Settings(context_length=1024))
    conversation = talk.chat.current_id or ""
    talk.ask("One")
    talk.chat.options.change(conversation, {"context_length": 2048})
    talk.settled()
    assert [params.context_length for params in talk.fake.loads] == [1024], "nothing is loaded before it is needed"
    talk.ask("Two")
    talk.ask("Three")
    assert [params.context_length for params in talk.fake.loads] == [1024, 2048]
    talk.chat.new()
    assert talk.ask("In another chat").status == "complete"
    assert [params.context_length for params in talk.fake.loads] == [1024, 2048, 1024]
    assert len(talk.fake.requests) == 4


def test_a_context_that_cannot_be_loaded_fails_in_its_chat_and_in_no_other(begin: Begin) -> None:
    talk = begin(load_errors=[None, ResourceError("Too large."), None], settings=Settings(context_length=1024))
    talk.chat.options.change(talk.chat.current_id or "", {"context_length": 1 << 20})
    talk.chat.send("One")
    assert str(talk.until_told(AnswerFinished).error) == "Too large."
    talk.chat.new()
    assert talk.ask("In another chat").status == "complete"
    assert talk.fake.loads[-1].context_length == 1024


def test_stopping_while_the_other_context_loads_leaves_nothing_waiting(begin: Begin) -> None:
    talk = begin(load_s=0.3, settings=Settings(context_length=1024))
    conversation = talk.chat.current_id or ""
    talk.ask("One")
    talk.chat.options.change(conversation, {"context_length": 2048})
    talk.chat.send("Two")
    talk.until(lambda: len(talk.fake.loads) == 2)
    talk.chat.stop()
    assert talk.until_told(AnswerFinished, 2).message.status == "stopped"
    assert talk.ask("Three").status == "complete"


def test_presets_are_found_by_the_name_they_had(begin: Begin, home: Path) -> None:
    file = PresetFile(home / "config" / "presets.json")
    file.set("calm", Preset(sampling=SamplingParams(temperature=0.1)))
    talk = begin()
    talk.ask("Hello")
    conversation = talk.chat.current_id or ""
    store = ChatOptionsStore(talk.store.database)
    store.change_conversation(conversation, lambda head: changed_options(head, {"preset": "calm"}))
    file.rename("calm", "quiet")
    file.rename("quiet", "silent")
    places = AnswerPlaces(store, file, Settings)
    assert places.read(conversation, "m").presets["calm"].sampling.temperature == 0.1
    file.remove("silent")
    assert places.read(conversation, "m").presets == {}
    file.set("calm", Preset(max_tokens=3))
    assert places.read(conversation, "m").presets["calm"].max_tokens == 3


def test_an_answer_fails_where_its_preset_cannot_be_read(begin: Begin, home: Path) -> None:
    """Rather than being asked with other values than the person set."""
    path = home / "config" / "presets.json"
    path.mkdir(parents=True)
    talk = begin(presets=PresetFile(path))
    talk.ask("No preset is named, so nobody looks for one")
    talk.chat.options.change(talk.chat.current_id or "", {"preset": "calm"})
    answer = talk.ask("Hello")
    assert answer.status == "failed"
    assert "could not be read" in answer.error


def test_a_chat_that_is_gone_takes_no_change(begin: Begin) -> None:
    talk = begin()
    talk.chat.options.change("nowhere", {"temperature": 0.1})
    talk.settled()
    assert not talk.told(AnswerPlaceChanged)
    assert not talk.told(ChatFailed)


@pytest.mark.parametrize("holder", [Conversation("c"), Folder("f", "F"), ModelSettings()])
def test_changes_come_and_go_without_a_trace(holder: Any) -> None:
    changes = {
        "temperature": 0.5,
        "max_tokens": 7,
        "thinking": False,
        "preset": "p",
        "system_prompt": "S",
        "effort": "low",
    }
    changed = changed_options(holder, changes)
    assert own_values(changed) == changes
    assert ThinkingOptions(changed.options.thinking).enabled is False
    assert changed_options(changed, dict.fromkeys(changes)) == holder


def test_half_a_character_is_stored_as_a_replacement(begin: Begin) -> None:
    talk = begin()
    talk.ask("Hello")
    conversation = talk.chat.current_id or ""
    talk.chat.options.change(conversation, {"system_prompt": "a\ud800", "preset": "b\ud800"})
    talk.until_told(AnswerPlaceChanged)
    stored = talk.store.conversation(conversation)
    assert (stored.system_prompt, stored.options.preset) == ("a\ufffd", "b\ufffd")
