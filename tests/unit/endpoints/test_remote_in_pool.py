"""A model at an endpoint among those on this machine: in the pool it takes no memory, no worker, and no place."""

from __future__ import annotations

import queue
import threading
from typing import cast

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.engine_client import EngineClient
from desktop.engine.engine_pool import EnginePool
from desktop.engine.load_params import LoadParams
from desktop.engine.pooled_engine import EngineMemory, PooledEngine, needed_memory
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    Delta,
    GenerateRequest,
    LoadEvent,
    ModelReady,
    RequestFailed,
)
from tests.fakes.scripted_endpoint import chunk, stream
from tests.unit.endpoints.conftest import Far

pytestmark = pytest.mark.loopback


def no_worker() -> EngineClient:
    raise AssertionError("nothing on this machine is to be started")


def test_it_answers_and_is_unloaded_and_nothing_is_started_here(far: Far) -> None:
    heard: queue.SimpleQueue[LoadEvent | AnswerEvent] = queue.SimpleQueue()
    pool = EnginePool(no_worker, make_remote=lambda: far.engine, memory=lambda: 1)
    try:
        pool.load(far.params, heard.put)
        assert isinstance(heard.get(timeout=10), ModelReady)
        assert pool.loaded == (far.params,)
        request = GenerateRequest(pool.next_id(), (ChatMessage.from_text("user", "Hello?"),))
        pool.generate(request, heard.put, params=far.params)
        while not isinstance(event := heard.get(timeout=10), AnswerDone):
            pass
        assert event.generated_tokens == 3
        far.gone = True
        pool.recheck()
        assert pool.state_of(far.params) == "empty"
        pool.load(far.params, heard.put)
        failed = heard.get(timeout=10)
        assert isinstance(failed, RequestFailed)
        assert failed.kind == "not-found"
    finally:
        pool.close()


def test_closing_the_pool_ends_its_answer(far: Far) -> None:
    far.script.chats = [stream(chunk({"content": "So far "}), ends=False)]
    heard: queue.SimpleQueue[AnswerEvent] = queue.SimpleQueue()
    ready = threading.Event()
    pool = EnginePool(no_worker, make_remote=lambda: far.engine)
    pool.load(far.params, lambda _: ready.set())
    assert ready.wait(10)
    pool.generate(GenerateRequest(pool.next_id(), (ChatMessage.from_text("user", "Hello?"),)), heard.put)
    while not isinstance(heard.get(timeout=10), Delta):
        pass
    pool.close()
    assert cast("AnswerDone", heard.get(timeout=10)).stop_reason == "cancelled"


def test_it_makes_no_other_model_leave_and_no_other_model_waits_for_it(far: Far) -> None:
    memory = EngineMemory(lambda: 100)
    here = PooledEngine(far.engine, LoadParams("here.gguf"), 0.0)
    here.note_size(150)
    here.begin_answer(1.0)
    assert memory.to_unload(far.params, [here]) == []
    there = PooledEngine(far.engine, far.params, 0.0)
    there.begin_answer(1.0)
    assert memory.to_unload(LoadParams("another.gguf"), [there]) == []
    assert needed_memory(far.params, 4096) == 0
