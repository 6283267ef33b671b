"""The license step, the difference page and the Licenses page; `license_flow` connects them with the
acknowledgements."""
