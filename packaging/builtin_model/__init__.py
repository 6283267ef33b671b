"""Trains the model that ships with Latchkey, from text that the project wrote itself.

This package is for development only: nothing in the application imports it. It is not called
`packaging.builtin_model`, because the Python package `packaging` already has that name; its
modules are run from the folder above (`cd packaging && python -m builtin_model.train`), and
`build.py` does that for all of them in order.
"""
