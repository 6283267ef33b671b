"""Tools that a model may call: servers of the Model Context Protocol and what is built in, each asked about."""
