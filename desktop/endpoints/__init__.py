"""Models that are not on this machine: endpoints that speak OpenAI's interface, and the engine that asks them."""
