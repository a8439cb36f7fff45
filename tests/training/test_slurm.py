"""The hosts that SLURM names."""

import pytest

from tf_twostream.training import hosts, slurm

TASK = {
    "SLURM_STEP_NUM_TASKS": "3",
    "SLURM_STEP_NODELIST": "gpu[09-10]",
    "SLURM_STEP_TASKS_PER_NODE": "2,1",
    "SLURMD_NODENAME": "gpu09",
    "SLURM_LOCALID": "1",
    "SLURM_JOB_ID": "1234567",
    "SLURM_STEP_ID": "0",
}


@pytest.fixture
def task(monkeypatch):
    """Sets the variables of a task; those that are None are missing."""

    def put(**others):
        monkeypatch.delenv("TF_CONFIG", raising=False)
        for name, value in (TASK | others).items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)

    return put


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("a", ["a"]),
        ("alpha,beta.example.org,gamma-1", ["alpha", "beta.example.org", "gamma-1"]),
        ("a[01-03,07],b", ["a01", "a02", "a03", "a07", "b"]),
        ("n[8-11]", ["n8", "n9", "n10", "n11"]),
        ("r[1-2]n[03,5]-ib", ["r1n03-ib", "r1n5-ib", "r2n03-ib", "r2n5-ib"]),
    ],
)
def test_lists_of_nodes_are_expanded(text, nodes):
    assert slurm.expand_nodes(text) == nodes


@pytest.mark.parametrize(
    ("text", "counts"), [("1", [1]), ("2(x3),1", [2, 2, 2, 1]), ("1(x10)", [1] * 10)]
)
def test_numbers_of_tasks_are_expanded(text, counts):
    assert slurm.expand_counts(text) == counts


@pytest.mark.parametrize(
    ("node", "number", "index"), [("gpu09", "0", 0), ("gpu09", "1", 1), ("gpu10", "0", 2)]
)
def test_all_tasks_see_the_same_hosts_and_each_finds_itself(task, node, number, index):
    task(SLURMD_NODENAME=node, SLURM_LOCALID=number)
    found = hosts.read_cluster()
    assert found.addresses == ("gpu09:25670", "gpu09:25671", "gpu10:25670")
    assert found.own == found.addresses[index]


def test_the_next_job_on_the_same_machine_has_other_ports(task):
    task()
    first = hosts.read_cluster().addresses
    task(SLURM_JOB_ID="1234568")
    second = hosts.read_cluster().addresses
    assert not set(first) & set(second)


def test_one_task_and_a_batch_script_train_alone(task):
    task(SLURM_STEP_NUM_TASKS="1")
    assert hosts.read_cluster() is None
    task(SLURM_STEP_NUM_TASKS=None)  # As in a script of sbatch, outside srun.
    assert hosts.read_cluster() is None


def test_tf_config_is_asked_first(task, monkeypatch):
    task()
    monkeypatch.setenv("TF_CONFIG", "{}")
    assert hosts.read_cluster() is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"SLURM_STEP_NODELIST": None},
        {"SLURM_STEP_NODELIST": "gpu[09-"},
        {"SLURM_STEP_TASKS_PER_NODE": "2(x)"},
        {"SLURM_STEP_TASKS_PER_NODE": "1(x3)"},
        {"SLURMD_NODENAME": "login"},
        {"SLURM_LOCALID": "2"},
        {"SLURM_JOB_ID": "none"},
    ],
)
def test_what_slurm_does_not_say_is_one_line(task, wrong):
    task(**wrong)
    [(name, value)] = wrong.items()
    with pytest.raises(slurm.SlurmError) as error:
        hosts.read_cluster()
    assert f"{name}={value or ''}" in str(error.value)
    assert "\n" not in str(error.value)
