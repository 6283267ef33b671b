"""Latchkey: a desktop chat app for gated and open language models that run on this machine."""

__version__ = "0.1.0"
