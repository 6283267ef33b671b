"""A Secret Service that fails as real ones do, run on a bus of its own: `python -m tests.fakes.secret_service HOW`.

HOW it fails: "silent" answers nothing, "dies" ends at the second call, "garbage" answers with what nobody asked for,
"slow" takes two seconds for each answer, "prompter" is not the service but gnome-keyring's prompt, which nobody sees.
It prints "ready" once it has its name, and ends after a minute, or when its standard input is closed.
"""

import os
import sys
import threading
import time

_NAMES = {"prompter": "org.gnome.keyring.SystemPrompter"}
_LIFE_S = 60.0


def main(how: str) -> None:
    import jeepney  # type: ignore[import-untyped]
    from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

    bus = open_dbus_connection()
    name = _NAMES.get(how, "org.freedesktop.secrets")
    driver = jeepney.DBusAddress(
        jeepney.message_bus.object_path, jeepney.message_bus.bus_name, jeepney.message_bus.interface
    )
    bus.send_and_get_reply(jeepney.new_method_call(driver, "RequestName", "su", (name, 4)))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    threading.Thread(target=_end_with_input, daemon=True).start()
    threading.Timer(_LIFE_S, os._exit, (0,)).start()
    calls = 0
    while True:
        message = bus.receive()
        if message.header.message_type is not jeepney.MessageType.method_call:
            continue
        calls += 1
        member = message.header.fields.get(jeepney.HeaderFields.member)
        if how == "dies" and calls > 1:
            os._exit(1)
        if how in ("garbage", "slow", "dies"):
            if how == "slow":
                time.sleep(2)
            if how == "slow" and member not in ("Ping", "GetNameOwner"):
                bus.send(jeepney.new_error(message, "org.freedesktop.DBus.Error.Failed", "s", ("slow",)))
            else:
                bus.send(jeepney.new_method_return(message, "as", (["no", "session"],)))


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
