"""The license step, what changed in a text, the Licenses page, and what wires them to the acknowledgements."""
