"""The hosts that train together: which they are, and how they wait for each other.

TensorFlow's own waiting has no end, names nobody, and hears no signal. So hosts meet here first, in
Python, and only then build their strategy: all but the first one report to it, at the address at
which TensorFlow will listen soon after, and stay connected until it says `_GO`. Before that it
tells them, a line each time, for whom it still waits.
"""

import contextlib
import dataclasses
import json
import os
import select
import socket
import sys
import time
from collections.abc import Iterable, Iterator

from tf_twostream.training import slurm

TIMEOUT = 300.0  # Seconds. Machines of a cluster start minutes apart.
_STEP = 0.5  # Seconds between two looks.
_GO = "all are there"


class ClusterError(ValueError):
    """The environment variable TF_CONFIG does not describe hosts that train together."""


class HostError(OSError):
    """A host does not answer."""


class PortError(OSError):
    """The port at which this host is to listen is taken."""


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The hosts of a training.

    Attributes:
        addresses: "host:port" of each, that of the first one (the chief, or else the first worker)
            at the beginning.
        own: The address of this one.
    """

    addresses: tuple[str, ...]
    own: str

    @property
    def is_first(self) -> bool:
        """Whether this host is the one that writes."""
        return self.own == self.addresses[0]

    @property
    def others(self) -> tuple[str, ...]:
        """The addresses of all other hosts."""
        return tuple(address for address in self.addresses if address != self.own)


def read_cluster() -> Cluster | None:
    """Reads the hosts from TF_CONFIG, else from SLURM's variables; None where neither names some.

    Raises:
        ClusterError: If TF_CONFIG is no JSON, has other jobs than chief and worker, or no such
            task.
        SlurmError: If SLURM's variables do not name the hosts.
    """
    text = os.environ.get("TF_CONFIG", "")
    if text:
        return _of_tf_config(text)
    tasks = slurm.read_addresses()
    return Cluster(*tasks) if tasks else None


def _of_tf_config(text: str) -> Cluster | None:
    rule = "TF_CONFIG must be JSON with a cluster of chief and worker and a task of it"
    try:
        content = json.loads(text)
        cluster = content.get("cluster", {})
        if not cluster:
            return None
        task = content["task"]
        index = int(task["index"])
        own = cluster[task["type"]][index]
        addresses = (*cluster.get("chief", []), *cluster.get("worker", []))
        known = set(cluster) <= {"chief", "worker"} and index >= 0
        known = known and len(cluster.get("chief", [])) < 2 and len(set(addresses)) > 0
        ports = [int(address.rpartition(":")[2]) for address in addresses]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ClusterError(f"{rule}. Received: {text} ({type(error).__name__}).") from error
    if not known or not all(0 < port < 2**16 for port in ports):
        raise ClusterError(f"{rule}. Received: {text}.")
    if len(set(addresses)) < len(addresses):
        raise ClusterError(f"The hosts in TF_CONFIG must differ. Received: {text}.")
    return Cluster(addresses, own)


def meet(cluster: Cluster, timeout: float = TIMEOUT) -> None:
    """Waits until all hosts are there, and says on stderr for whom.

    Args:
        cluster: The hosts.
        timeout: Seconds to wait for the others.

    Raises:
        HostError: If one is not there in time.
        PortError: If the port of this one is taken.
    """
    until, said = time.monotonic() + timeout, ""
    for missing in _gather(cluster) if cluster.is_first else _report(cluster):
        names = ", ".join(missing)
        if names != said:
            print(f"waiting for {names} ...", file=sys.stderr, flush=True)
            said = names
        if time.monotonic() > until:
            rule = f"All hosts must start within {timeout:g} seconds"
            raise HostError(f"{rule}. Received: nothing from {names} at {cluster.own}.")


def lost(cluster: Cluster) -> list[str]:
    """Lists the addresses of the other hosts at which nothing answers."""
    return [address for address in cluster.others if not _answers(address)]


def _answers(address: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(_split(address), timeout=_STEP):
        return True
    return False


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _listen(address: str) -> socket.socket:
    try:
        return socket.create_server(("", _split(address)[1]))
    except OSError as error:
        rule = "The port of a host must be free"
        given = f"{address} ({os.strerror(error.errno or 0)})"
        raise PortError(f"{rule}. Received: {given}.") from error


def _gather(cluster: Cluster) -> Iterator[list[str]]:
    """Lets all others report to this host; yields at each look the missing ones."""
    with contextlib.ExitStack() as opened:
        server = opened.enter_context(_listen(cluster.own))
        found: dict[str, socket.socket] = {}
        told: list[str] = []
        while missing := [address for address in cluster.others if address not in found]:
            if missing != told:
                _tell(found.values(), " ".join(missing))
                told = missing
            yield missing
            ready, _, _ = select.select([server, *found.values()], [], [], _STEP)
            # A host that has reported says nothing more: what can be read of it is its end.
            found = {name: caller for name, caller in found.items() if caller not in ready}
            if server in ready:
                caller = opened.enter_context(server.accept()[0])
                caller.settimeout(_STEP)
                with contextlib.suppress(OSError):
                    found[caller.recv(1024).decode(errors="replace").strip()] = caller
        _tell(found.values(), _GO)


def _tell(callers: Iterable[socket.socket], line: str) -> None:
    for caller in callers:
        with contextlib.suppress(OSError):  # That it is gone shows at the next look.
            caller.sendall(f"{line}\n".encode())


def _report(cluster: Cluster) -> Iterator[list[str]]:
    """Reports to the first host; yields at each look the missing ones."""
    _listen(cluster.own).close()  # TensorFlow would not name a port that is taken.
    missing: list[str] = []
    while True:
        for line in _lines(cluster.addresses[0], cluster.own):
            if line == _GO:
                return
            # Another program may listen there, and say anything.
            if line and set(line.split()) <= set(cluster.others):
                missing = line.split()
            yield missing or [cluster.addresses[0]]
        # Where it is gone again, it cannot tell any more of those that it waited for.
        missing = list(dict.fromkeys([cluster.addresses[0], *missing]))
        yield missing
        time.sleep(_STEP)


def _lines(address: str, greeting: str) -> Iterator[str]:
    """Yields the lines that a host answers; "" at each look at which there is none."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(_split(address), timeout=_STEP) as host,
    ):
        host.sendall(f"{greeting}\n".encode())
        text = b""
        while True:
            try:
                part = host.recv(1024)
            except TimeoutError:
                yield ""
                continue
            if not part:
                return
            *whole, text = (text + part).split(b"\n")
            yield from (line.decode(errors="replace") for line in whole)
