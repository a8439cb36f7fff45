"""Jobs in processes of their own."""

import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from multiprocessing import forkserver
from unittest import mock

import pytest
import worker_jobs as jobs

from tf_twostream.processes import workers

TESTS = pathlib.Path(__file__).parents[1]


def collect(events):
    """Returns the events by job."""
    by_job = {}
    for job, event in events:
        by_job.setdefault(job, []).append(event)
    return by_job


def test_pieces_come_in_order_then_the_returned_value():
    by_job = collect(workers.run(jobs.count, [0, 1, 5, 7], num_workers=2, timeout=30))
    for number in (0, 1, 5, 7):
        pieces = [workers.Piece(k) for k in range(number)]
        assert by_job[number] == [*pieces, workers.Done(sum(range(number)))]


@pytest.mark.parametrize(
    "how, reason",
    [
        ("abort", "crashed: the worker was ended by SIGABRT"),
        ("kill", r"crashed: the worker was ended by SIGKILL \(out of memory\?\)"),
        ("exit", "crashed: the worker exited with code 3"),
        ("sleep", "hung: nothing came for 4 s"),
        ("stop", "hung: nothing came for 4 s"),
        ("raise", r"^the rule\. Received: nonsense\.$"),
        ("mistake", r"^KeyError: 'absent'$"),
        ("unpicklable", "pickle|Can't get local object"),  # Python 3.13 has other words.
    ],
)
def test_what_one_job_does_to_its_process_stays_there(how, reason):
    names = ["good 1", how, "good 2", "good 3"]
    timeout = 4 if how in ("sleep", "stop") else 60  # Starting takes time on a busy machine.
    by_job = collect(workers.run(jobs.misbehave, names, num_workers=2, timeout=timeout))
    first, last = by_job.pop(how)
    assert first == workers.Piece(how)
    assert isinstance(last, workers.Failed)
    assert re.search(reason, last.reason)
    assert sorted(by_job) == ["good 1", "good 2", "good 3"]
    assert all(events[-1] == workers.Done("fine") for events in by_job.values())


def test_a_job_that_crashed_is_tried_again_in_another_way():
    for other, last in (("good", workers.Done("fine")), (None, workers.Crashed), ("kill", None)):
        by_job = collect(
            workers.run(
                jobs.misbehave, ["abort", "raise"], num_workers=2, timeout=60,
                again=lambda job, other=other: other if job == "abort" else None,
            )
        )  # fmt: skip
        first, *rest = by_job["abort"]
        assert first == workers.Piece("abort")
        if other:
            assert rest[:2] == [workers.Restarted(), workers.Piece(other)]
        assert rest[-1] == last or isinstance(rest[-1], workers.Crashed)
        assert len(by_job["raise"]) == 2  # An exception is a finding, no crash.


def test_workers_start_although_the_server_that_forks_was_killed():
    list(workers.run(jobs.count, [1], num_workers=1, timeout=30))
    os.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)
    [*_, last] = workers.run(jobs.count, [3], num_workers=1, timeout=30)
    assert last == (3, workers.Done(3))


def test_workers_that_cannot_be_started_are_one_line(monkeypatch):
    process = mock.Mock(start=mock.Mock(side_effect=EOFError))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(OSError, match="must start. Received: EOFError"):
        workers._start(process)
    assert process.start.call_count == 3


def test_no_more_jobs_are_taken_than_there_are_workers():
    taken, ended = 0, 0

    def count_taken():
        nonlocal taken
        for number in range(3, 9):
            taken += 1
            yield number

    for _, event in workers.run(jobs.count, count_taken(), num_workers=2, timeout=30):
        ended += isinstance(event, workers.Done)
        assert taken - ended <= 2
    assert taken == ended == 6


def test_worker_waits_for_a_slow_caller_and_is_not_taken_for_hung(tmp_path):
    progress = tmp_path / "progress"
    events = workers.run(jobs.pour, [str(progress)], num_workers=1, timeout=4)
    next(events)
    time.sleep(5)
    assert int(progress.read_text()) <= 3  # Pieces are not piled up.
    assert isinstance([event for _, event in events][-1], workers.Done)


def test_leaving_the_loop_kills_the_workers(tmp_path):
    paths = [str(tmp_path / name) for name in "ab"]
    events = workers.run(jobs.burn, paths, num_workers=2, timeout=30)
    next(events), next(events)
    events.close()
    assert all(is_gone(int(pathlib.Path(path).read_text())) for path in paths)


def test_workers_die_with_a_killed_caller(tmp_path, root):
    code = (
        "from tf_twostream.processes import workers; import worker_jobs, sys\n"
        "list(workers.run(worker_jobs.burn, sys.argv[1:], num_workers=2, timeout=99))\n"
    )
    paths = [tmp_path / name for name in "ab"]
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{TESTS}"}
    caller = subprocess.Popen([sys.executable, "-c", code, *map(str, paths)], env=environment)
    assert wait(lambda: all(path.exists() and path.read_text() for path in paths), seconds=30)
    pids = [int(path.read_text()) for path in paths]
    assert not any(is_gone(pid) for pid in pids)
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    assert wait(lambda: all(is_gone(pid) for pid in pids), seconds=10)


def test_workers_do_not_import_the_main_script(tmp_path, root):
    script = tmp_path / "script.py"
    script.write_text(
        "print('imported', flush=True)\n"
        "from tf_twostream.processes import workers; import worker_jobs\n"
        "print(len(list(workers.run(worker_jobs.count, [2, 3], num_workers=2, timeout=30))))\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{TESTS}"}
    output = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert output.stdout.split() == ["imported", "7"], output.stderr


def test_cores_that_this_process_may_not_use_are_not_counted(monkeypatch):
    monkeypatch.setattr(workers, "_quota", lambda: math.inf)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5}, raising=False)
    assert workers.count_cores() == 2
    monkeypatch.delattr(os, "sched_getaffinity")  # macOS has none.
    assert workers.count_cores() == 64


def test_a_job_that_goes_on_for_too_long_is_ended():
    events = workers.run(jobs.misbehave, ["sleep"], num_workers=1, timeout=60, job_seconds=2)
    assert [event for _, event in events] == [
        workers.Piece("sleep"),
        workers.Failed("out of time: not done after 2 s"),
    ]


@pytest.mark.parametrize("wrong", [{"num_workers": 0}, {"timeout": 0}, {"timeout": float("nan")}])
def test_numbers_must_be_positive(wrong):
    with pytest.raises(ValueError, match="Received: num_workers="):
        workers.run(iter, [], **({"num_workers": 1, "timeout": 1} | wrong))


def wait(condition, *, seconds) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def is_gone(pid) -> bool:
    """Whether a process has ended (one that nobody has waited for yet has)."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000"}, 1.5),
        ({"cpu.max": "max 100000"}, math.inf),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "50000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, math.inf),
        ({}, math.inf),
    ],
)
def test_a_container_has_the_cores_that_its_quota_says(tmp_path, monkeypatch, files, cores):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert workers._quota(str(tmp_path)) == cores
    monkeypatch.setattr(workers, "_quota", lambda: cores)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    assert workers.count_cores() == min(8, math.ceil(min(8, cores)))
