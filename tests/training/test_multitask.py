"""Several data sets, one network (paper, Sect. 4)."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from trained import evaluate, run_of

from tf_twostream import inputs, models, runs, store
from tf_twostream.commands import train_multitask
from tf_twostream.paper import recipes
from tf_twostream.runs import weights
from tf_twostream.training import steps
from tf_twostream.training.execution import Execution
from tf_twostream.training.sharing import Sharing

RECIPE = recipes.TemporalRecipe(
    crop_size=41, stack_length=3, width=0.05, batch_size=8, num_iterations=4, dropout_rate=0.0
)
SHARES = {"a": 6, "b": 2}


@pytest.fixture(scope="module")
def batches(tiny_store):
    """A mini-batch of each task."""
    reader = store.Reader(tiny_store[0])
    return tuple(
        next(iter(inputs.training(inputs.Windows(reader, tiny_store[1].train, recipe))))
        for recipe in (
            dataclasses.replace(RECIPE, batch_size=size, seed=size) for size in SHARES.values()
        )
    )


def cross_entropy(model, batch):
    logits = model(inputs.prepare(batch, RECIPE))
    return -tf.gather(tf.nn.log_softmax(logits), batch["label"], batch_dims=1)


def network_and_step(divisors, recipe=RECIPE, strategy=None):
    with (strategy or tf.distribute.get_strategy()).scope():
        model = models.build(recipe, dict.fromkeys(SHARES, 3))
        heads = [
            steps.Head(models.of_task(model, task), divisor)
            for task, divisor in zip(SHARES, divisors)
        ]
        optimizer = steps.make_optimizer(recipe, model.trainable_variables)
    return model, steps.make_step(heads, model.trainable_variables, optimizer, recipe)


def change_by(model, step, *arguments):
    before = [variable.numpy() for variable in model.trainable_variables]
    result = step(*arguments)
    after = [variable.numpy() for variable in model.trainable_variables]
    return [new - old for new, old in zip(after, before)], result


@pytest.mark.parametrize("divisors", [(6, 2), (8, 8)])
def test_the_loss_is_the_sum_of_each_tasks_own(batches, divisors):
    model, step = network_and_step(divisors)
    with tf.GradientTape() as tape:
        wanted = [
            tf.reduce_sum(cross_entropy(models.of_task(model, task), batch)) / divisor
            for task, batch, divisor in zip(SHARES, batches, divisors)
        ]
        total = tf.add_n(wanted)
    gradients = tape.gradient(total, [v.value for v in model.trainable_variables])
    decayed = [
        gradient + RECIPE.weight_decay * v if v.name == "kernel" else gradient
        for gradient, v in zip(gradients, model.trainable_variables)
    ]
    change, (losses, hits) = change_by(model, tf.function(step), batches)
    np.testing.assert_allclose(losses, wanted, rtol=1e-5)
    assert hits.shape == (2,) and 0 <= hits[0] <= 6 and 0 <= hits[1] <= 2
    for moved, gradient in zip(change, decayed, strict=True):
        np.testing.assert_allclose(moved, -1e-2 * gradient.numpy(), atol=2e-7)


def test_a_sample_of_one_task_gives_no_gradient_to_the_other_head(batches):
    model = models.build(RECIPE, dict.fromkeys(SHARES, 3))
    x = inputs.prepare(batches[0], RECIPE)
    for own, other in (("a", "b"), ("b", "a")):
        head = steps.Head(models.of_task(model, own), 6)
        gradients, *_ = steps._gradients(head, model.trainable_variables, False)(
            x, batches[0]["label"]
        )
        largest = {
            variable.path: float(tf.reduce_max(tf.abs(gradient)))
            for variable, gradient in zip(model.trainable_variables, gradients)
        }
        silent = {path for path, size in largest.items() if size == 0.0}
        assert silent == {f"classes_{other}/kernel", f"classes_{other}/bias"}


def test_two_replicas_take_the_step_of_one(batches, two_devices):
    whole, _ = change_by(*reversed_pair(network_and_step((6, 2))), batches)
    model, step = network_and_step((6, 2), strategy=two_devices)

    def half(context):
        number = context.replica_id_in_sync_group
        return tuple(
            {name: tensor[number * size // 2 : (number + 1) * size // 2]
             for name, tensor in batch.items()}
            for batch, size in zip(batches, SHARES.values())
        )  # fmt: skip

    halves = two_devices.experimental_distribute_values_from_function(half)
    run = tf.function(lambda batch: two_devices.run(step, (batch,)))
    split, (losses, _) = change_by(model, run, halves)
    per_device = two_devices.experimental_local_results(losses)
    total = np.sum([loss.numpy() for loss in per_device], axis=0)
    np.testing.assert_allclose(total, step_losses(batches), rtol=1e-5)
    for one, two in zip(whole, split, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


def reversed_pair(pair):
    model, step = pair
    return model, tf.function(step)


def step_losses(batches):
    return network_and_step((6, 2))[1](batches)[0].numpy()


@pytest.fixture(scope="module")
def trained(tiny_store, tiny_source, tmp_path_factory):
    """A run of two tasks on the tiny data set, and how to train it again."""
    given = train_multitask.DataSetFlags(
        datasets=("csv", "csv"),
        names=("a", "b"),
        stores=(tiny_store[0],) * 2,
        annotations=(tiny_source.annotations,) * 2,
        train_on_all=("b",),
    )
    execution = Execution(run_dir=str(tmp_path_factory.mktemp("runs") / "both"), log_every=2)

    def train():
        train_multitask.main(given, Sharing(), RECIPE, execution)
        return runs.load(execution.run_dir)

    return train(), train


def test_every_task_is_trained_checkpointed_and_evaluated(trained, tiny_store, tmp_path):
    run = trained[0]
    assert [task.name for task in run.tasks] == ["a", "b"] and run.task.name == "a"
    assert [task.batch_size for task in run.tasks] == [4, 4]
    assert [len(task.split.train) for task in run.tasks] == [7, 10]
    for number, task in enumerate("ab"):
        again = runs.load(str(run.path), task)
        assert again == dataclasses.replace(run, chosen=number)
        model, iterations = runs.load_model(again)
        assert iterations == 4 and model.output_shape == (None, 3)
    scores = evaluate(run, tiny_store[0], tmp_path / "a.npz", task="a")
    assert scores.scores.shape == (3, 3)
    with pytest.raises(ValueError, match="must hold videos. Received: test"):
        evaluate(run, tiny_store[0], tmp_path / "b.npz", task="b")
    with pytest.raises(runs.UnknownTaskError, match="must be one of a, b for .* Received: 'c'"):
        runs.load(str(run.path), "c")


def test_the_same_command_goes_on_and_another_is_refused(trained, capsys):
    run, train = trained
    train()
    assert "nothing to do" in capsys.readouterr().out
    changed = dataclasses.replace(run.tasks[1], divisor=99)
    with pytest.raises(runs.OtherRunError, match="Received: .* with task b: divisor=4"):
        runs.create(dataclasses.replace(run, tasks=(run.tasks[0], changed)))
    with pytest.raises(runs.OtherRunError, match=r"tasks a, b \(now b, a\)"):
        runs.create(dataclasses.replace(run, tasks=run.tasks[::-1]))
    alone = dataclasses.replace(run.tasks[0], name="")
    with pytest.raises(runs.OtherRunError, match=r"tasks a, b \(now none\)"):
        runs.create(dataclasses.replace(run, tasks=(alone,)))


def test_both_tasks_are_described_and_reported(trained, capsys):
    trained[1]()
    out = capsys.readouterr().out
    assert "task:       a: " in out and "4 samples per iteration, sum of their losses" in out
    events = [
        tf.compat.v1.Event.FromString(record.numpy())
        for path in (trained[0].path / "tensorboard").glob("events*")
        for record in tf.data.TFRecordDataset(str(path))
    ]
    tags = {value.tag for event in events for value in event.summary.value}
    assert {"loss", "loss/a", "loss/b", "accuracy/a", "accuracy/b"} <= tags


def relabelled(run, **class_names):
    """The same tasks with other classes."""
    tasks = tuple(
        dataclasses.replace(
            task,
            split=dataclasses.replace(
                task.split, class_names=class_names.get(task.name, task.split.class_names)
            ),
        )
        for task in run.tasks
    )
    return dataclasses.replace(run, tasks=tasks)


@pytest.fixture
def two_kinds(trained):
    """The trained run, as if task b had other classes than task a."""
    return relabelled(trained[0], b=("x", "y", "z"))


def test_a_head_is_copied_from_the_one_with_the_same_classes(two_kinds):
    trained = weights._load_whole(two_kinds)[0]
    kernels = {task: trained.get_layer(f"classes_{task}").kernel.numpy() for task in "ab"}
    own = two_kinds.tasks[0].split.class_names
    alone = dataclasses.replace(
        two_kinds, tasks=(dataclasses.replace(two_kinds.tasks[0], name=""),)
    )
    cases = [
        (relabelled(two_kinds, a=("p", "q", "r")), {"classes_b": "b"}, ["classes_a"]),
        (relabelled(two_kinds, a=("x", "y", "z"), b=own), {"classes_a": "b", "classes_b": "a"}, []),
        (alone, {"classes": "a"}, []),
    ]
    for target, copied, fresh in cases:
        model = runs.build_model(target)
        assert runs.initialise(model, two_kinds, target) == fresh
        for layer, task in copied.items():
            np.testing.assert_array_equal(model.get_layer(layer).kernel, kernels[task])
        np.testing.assert_array_equal(
            model.get_layer("conv1").kernel, trained.get_layer("conv1").kernel
        )


def test_a_run_of_one_task_has_no_other(tmp_path, tiny_store):
    run = run_of(tmp_path / "run", RECIPE, tiny_store[1])
    runs.create(run)
    with pytest.raises(runs.UnknownTaskError, match="must be empty for .* Received: 'a'"):
        runs.load(str(run.path), "a")
