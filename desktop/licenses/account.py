"""Who is signed in to this machine, as the system says it and not as the environment claims."""

import os


def account_name() -> str:
    """The name of the account this process runs under; its number where it has no name."""
    if os.name == "nt":
        return os.environ.get("USERNAME", "")
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
