"""A worker that somebody took over: it speaks the protocol until a stage, and then does as it is told.

python hostile_worker.py STAGE SCRIPT … --in … : SCRIPT is Python, run at STAGE ("probe", "load" or "generate") with
`send(event)`, `raw(bytes)`, `say(bytes)` for its native output, `request`, and the defaults `PROBED`, `INFO`, `done()`.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]


def command(stage: str, script: str) -> list[str]:
    """The command of such a worker."""
    return [sys.executable, "-I", "-X", "utf8", str(Path(__file__).resolve()), stage, script]


def main() -> None:
    sys.path.insert(0, str(TOP))
    import msgspec

    from desktop.engine import worker_messages
    from desktop.engine.frames import FrameReader

    stage, script = sys.argv[1:3]
    source, output = (int(sys.argv[sys.argv.index(name) + 1]) for name in ("--in", "--out"))
    reader: FrameReader[worker_messages.Request] = FrameReader(source, worker_messages.Request)
    probed = worker_messages.ProbeResult(
        "1", "none", (worker_messages.ComputeDevice("CPU", "CPU", "cpu", 1, 1),), (), "no", "", ()
    )
    info = worker_messages.ModelInfo("m", "llama", "", "", 1, 1, 512, 512, True, 1, 0, (), "llama.cpp", "no")

    def raw(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(output, view) :]

    def send(event: Any) -> None:
        body = msgspec.msgpack.encode(event)
        raw(len(body).to_bytes(4, "big") + body)

    def say(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(2, view) :]

    def done(number: int, **others: Any) -> Any:
        whole = worker_messages.AnswerDone(number, "end", 1, 0, 1, 0.1, 1.0, 1.0, 1, 512, 0)
        return {**msgspec.to_builtins(whole), **others}

    names = {
        **vars(worker_messages),
        "send": send,
        "raw": raw,
        "say": say,
        "done": done,
        "PROBED": probed,
        "INFO": info,
    }
    names |= {"os": os, "time": time, "plain": msgspec.to_builtins}
    while (request := reader.read()) is not None:
        kind = request.__struct_config__.tag
        if kind == stage:
            exec(compile(script, "hostile", "exec"), {**names, "request": request})
        elif kind == "probe":
            send(probed)
        elif kind == "load":
            send(worker_messages.ModelReady(info, 0.1))
        elif isinstance(request, worker_messages.GenerateRequest):
            send(worker_messages.PromptPrepared(request.id, 1, 0, 0, 512))
            send(worker_messages.Delta(request.id, "hello", False, 1, 1.0, (1,)))
            send(done(request.id))
        elif isinstance(request, worker_messages.Ping):
            send(worker_messages.Pong(request.id))


if __name__ == "__main__":
    main()
