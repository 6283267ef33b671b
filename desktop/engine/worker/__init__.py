"""The worker process: the only place that touches llama.cpp. One worker holds at most one model.

Thread A (the main thread) owns the model, its context, samplers and caches. Thread B reads the pipe, answers pings
and sets flags; it never waits for anything but the pipe.
"""
