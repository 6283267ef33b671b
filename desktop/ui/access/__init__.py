"""Access to gated models: the step for the access token, and the step for the publisher's gate."""
