"""Hosts that wait for each other."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from tf_twostream.training import hosts

WAIT = "from tf_twostream.training import hosts; hosts.meet(hosts.read_cluster())"


@pytest.fixture(autouse=True)
def look_often(monkeypatch):
    monkeypatch.setattr(hosts, "_STEP", 0.05)


def free_addresses(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("localhost", 0))
    addresses = tuple(f"localhost:{one.getsockname()[1]}" for one in sockets)
    for one in sockets:
        one.close()
    return addresses


def listen(address):
    return socket.create_server(("", int(address.rpartition(":")[2])))


def start(addresses, number, timeout=10.0):
    """Lets a host wait in a thread; returns it and what went wrong there."""
    errors = []

    def wait():
        try:
            hosts.meet(hosts.Cluster(addresses, addresses[number]), timeout)
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread, errors


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_hosts_go_on_when_all_are_there_in_whichever_order_they_come(capfd, order):
    addresses = free_addresses(3)
    started = []
    for number in order:
        assert all(thread.is_alive() for thread, _ in started)
        started.append(start(addresses, number))
        time.sleep(0.2)
    for thread, errors in started:
        thread.join(5)
        assert not thread.is_alive()
        assert not errors
    said = capfd.readouterr().err
    assert f"waiting for {addresses[order[-1]]} ..." in said


def test_all_hosts_name_the_one_that_does_not_come():
    addresses = free_addresses(3)
    started = [start(addresses, number, timeout=0.6) for number in (0, 1)]
    for number, (thread, errors) in enumerate(started):
        thread.join(5)
        [error] = errors
        assert isinstance(error, hosts.HostError)
        assert re.search(
            rf"within 0.6 seconds. Received: nothing from .*{addresses[2]}", str(error)
        )
        assert f"at {addresses[number]}." in str(error)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_host_that_waits_says_for_whom_and_ends_at_once(root, number):
    addresses = free_addresses(2)
    config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": 0}}
    host = subprocess.Popen(
        [sys.executable, "-c", WAIT], cwd=root, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TF_CONFIG": json.dumps(config)},
    )  # fmt: skip
    assert host.stderr.readline() == f"waiting for {addresses[1]} ...\n"
    host.send_signal(number)
    host.communicate(timeout=5)
    assert host.returncode == -number


def test_a_host_that_reported_and_ended_is_waited_for_again():
    addresses = free_addresses(3)
    first, errors = start(addresses, 0)
    with pytest.raises(hosts.HostError):
        hosts.meet(hosts.Cluster(addresses, addresses[1]), 0.3)
    third, _ = start(addresses, 2)
    first.join(0.4)
    assert first.is_alive()  # Only the third one is there.
    hosts.meet(hosts.Cluster(addresses, addresses[1]), 5)
    first.join(5)
    third.join(5)
    assert not (first.is_alive() or third.is_alive() or errors)


@pytest.mark.parametrize("number", [0, 1])
def test_a_port_that_is_taken_is_named(number):
    addresses = free_addresses(2)
    words = f"Received: {addresses[number]} "
    with listen(addresses[number]), pytest.raises(hosts.PortError, match=words):
        hosts.meet(hosts.Cluster(addresses, addresses[number]), 1)


@pytest.mark.parametrize("words", [b"", b"SSH-2.0\n", b"\xff\x00"])
def test_another_program_at_the_address_of_the_first_host_is_not_taken_for_it(words):
    addresses = free_addresses(2)
    with listen(addresses[0]) as server:
        thread, errors = start(addresses, 1, timeout=0.5)
        caller, _ = server.accept()
        caller.sendall(words)
        thread.join(5)
        caller.close()
    assert f"nothing from {addresses[0]} at {addresses[1]}" in str(errors[0])


def test_lost_are_those_whose_port_is_closed():
    addresses = free_addresses(3)
    with listen(addresses[1]):
        assert hosts.lost(hosts.Cluster(addresses, addresses[0])) == [addresses[2]]


@pytest.mark.parametrize(
    ("cluster", "task", "addresses", "is_first"),
    [
        ({"worker": ["a:1", "b:2"]}, ("worker", 0), ("a:1", "b:2"), True),
        ({"worker": ["a:1", "b:2"]}, ("worker", 1), ("a:1", "b:2"), False),
        ({"worker": ["b:2"], "chief": ["a:1"]}, ("worker", 0), ("a:1", "b:2"), False),
        ({"worker": ["b:2"], "chief": ["a:1"]}, ("chief", 0), ("a:1", "b:2"), True),
    ],
)
def test_the_first_host_is_the_chief_or_else_the_first_worker(
    monkeypatch, cluster, task, addresses, is_first
):
    config = {"cluster": cluster, "task": dict(zip(("type", "index"), task))}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    found = hosts.read_cluster()
    assert (found.addresses, found.is_first) == (addresses, is_first)
    assert set(found.others) == {*addresses} - {found.own}


@pytest.mark.parametrize("text", ["", "{}", '{"cluster": {}}'])
def test_without_hosts_there_is_no_cluster(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    assert hosts.read_cluster() is None


@pytest.mark.parametrize(
    "text",
    [
        "{not json",
        "[]",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": -1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "chief", "index": 0}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": 3}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", 2]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "a:1"]}, "task": {"type": "worker", "index": 0}}',
    ],
)
def test_a_cluster_that_cannot_train_is_refused_by_the_name_of_the_variable(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(hosts.ClusterError, match="TF_CONFIG"):
        hosts.read_cluster()
