"""Runs `latchkey serve` as replicas on Ray Serve, behind one address of this machine, until it is interrupted.

    python packaging/cluster/team_server.py prepare --state STATE --homes N
    python packaging/cluster/team_server.py each --state STATE models import /models/FILE.gguf
    python packaging/cluster/team_server.py run --state STATE --key-file FILE [--replicas N] [--model ID]…

`prepare` makes the replicas' homes. `each` runs one command of latchkey in every one of them; `{replica}` in it becomes
the replica's name. README.md, beside this file, says what is what.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
from ipaddress import ip_address
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil

from cluster.team_homes import TeamConfig, homes, prepare_homes

TOP = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:9"
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray 2.60 asks clouds who they are also without statistics, and may report that there are none: this leads nowhere.
    "RAY_USAGE_STATS_REPORT_URL": NOWHERE,
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE),
    **dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost,::1"),
    # Named after the systems on which it is usual: all of Ray's processes listen at 127.0.0.1 alone.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # What a replica started ends with it, also when it is killed.
    "RAY_process_group_cleanup_enabled": "1",
    # One that hangs is not waited for: its clients are told at once.
    "RAY_SERVE_FORCE_STOP_UNHEALTHY_REPLICAS": "1",
    "PYTHONPATH": os.pathsep.join([str(TOP), str(TOP / "packaging")]),
}


def start_ray(replicas: int) -> None:
    """Ray on this machine alone, without its dashboard and its statistics of use."""
    os.environ.update(ENVIRONMENT)
    import ray

    ray.init(
        num_cpus=replicas + 1,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"worker_process_setup_hook": "cluster.team_server.listen_at_loopback"},
        logging_level="warning",
        dashboard_host="127.0.0.1",
    )


def listen_at_loopback() -> None:
    """Called by Ray in each of its processes before anything of ours: have replicas of Ray Serve 2.60 listen for each
    other at 127.0.0.1. Of itself each takes every address of the machine, and no setting of Ray's says otherwise."""
    from ray._common import tls_utils
    from ray.serve._private import replica

    add_port = tls_utils.add_port_to_grpc_server

    def add_loopback_port(server: Any, address: str) -> int:
        return int(add_port(server, address.replace("[::]:", "127.0.0.1:")))

    tls_utils.add_port_to_grpc_server = add_loopback_port
    replica.add_port_to_grpc_server = add_loopback_port


def open_addresses() -> list[str]:
    """Where processes that this one started listen other than at the loopback: there should be none."""
    ours = {each.pid: each.name() for each in psutil.Process().children(recursive=True)} | {os.getpid(): "this one"}
    listening = [
        (str(each.laddr.ip), int(each.laddr.port), ours[each.pid])
        for each in psutil.net_connections("inet")
        if each.status == psutil.CONN_LISTEN and each.pid in ours and each.laddr
    ]
    return sorted(
        f"{address}:{port} {name}"
        for address, port, name in listening
        if not ip_address(address.removeprefix("::ffff:")).is_loopback
    )


def deploy(team: TeamConfig, replicas: int, port: int) -> None:
    """Start so many replicas, or change how many there are. Returns once they answer. Raises OSError where something
    of it listens for other machines."""
    from ray import serve

    from cluster.deployments import team_application

    serve.start(http_options={"host": "127.0.0.1", "port": port}, proxy_location="HeadOnly")
    serve.run(team_application(team, replicas), name="team", route_prefix="/")
    if open_to := open_addresses():
        raise OSError(f"Ray listens for other machines: {', '.join(open_to)}")


def stop() -> None:
    """Let answers that run end, for as long as the team's configuration gives them, and end Ray."""
    import ray
    from ray import serve

    serve.shutdown()
    ray.shutdown()


def _prepare(options: argparse.Namespace) -> int:
    for each in prepare_homes(Path(options.state).resolve(), options.homes):
        print(each)
    return 0


def _run(options: argparse.Namespace) -> int:
    key_file = Path(options.key_file).resolve()
    from desktop.server.api_key import keys_from_file

    keys_from_file(key_file)  # before anything starts: it says what is wrong with it
    team = TeamConfig(
        Path(options.state).resolve(),
        key_file,
        (sys.executable, "-m", "desktop"),
        tuple(options.model),
        options.parallel,
        options.drain,
    )
    ended = threading.Event()
    start_ray(options.replicas)
    for each in (signal.SIGINT, signal.SIGTERM):  # Ray has set handlers of its own, which abort
        signal.signal(each, lambda *_: ended.set())
    try:
        deploy(team, options.replicas, options.port)
        print(f"Serving at http://127.0.0.1:{options.port}/v1", flush=True)
        ended.wait()
    finally:
        stop()
    return 0


def _each(options: argparse.Namespace) -> int:
    worst = 0
    for home in homes(Path(options.state).resolve()):
        words = [word.replace("{replica}", home.name) for word in options.words]
        environment: dict[str, Any] = {**os.environ, "LATCHKEY_HOME": str(home), "PYTHONPATH": str(TOP)}
        print(f"{home.name}:", flush=True)
        code = subprocess.run([sys.executable, "-m", "desktop", *words], env=environment, check=False).returncode
        worst = worst or code
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    prepare = commands.add_parser("prepare")
    prepare.add_argument("--state", required=True)
    prepare.add_argument("--homes", type=int, default=2, help="as many as there will ever be replicas at once")
    prepare.set_defaults(act=_prepare)
    run = commands.add_parser("run")
    run.add_argument("--state", required=True, help="the folder with the replicas' homes")
    run.add_argument("--key-file", required=True, help="the clients' keys, as for latchkey serve")
    run.add_argument("--replicas", type=int, default=2)
    run.add_argument("--port", type=int, default=11536)
    run.add_argument("--model", action="append", default=[])
    run.add_argument("--parallel", type=int, default=4)
    run.add_argument("--drain", type=float, default=120.0, help="seconds for answers that run when a replica stops")
    run.set_defaults(act=_run)
    each = commands.add_parser("each")
    each.add_argument("--state", required=True)
    each.add_argument("words", nargs=argparse.REMAINDER)
    each.set_defaults(act=_each)
    options = parser.parse_args()
    return int(options.act(options))


if __name__ == "__main__":
    sys.exit(main())
