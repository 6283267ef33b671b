"""What the Hub wants before it gives a model out: the step for the access token, the step before a publisher's gate."""
