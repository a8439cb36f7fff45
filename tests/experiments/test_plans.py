"""Rows become commands that the program accepts."""

import dataclasses

import pytest
from absl import flags

from tf_twostream import experiments
from tf_twostream.experiments import plans
from tf_twostream.experiments.knobs import Setup

ROWS = [(name, row) for name, table in experiments.TABLES.items() for row in table.rows if row.what]
PAPER_SCALE = Setup(data_root="data", output_dir="results", imagenet_run="imagenet")


def find(table, setting):
    [row] = [row for row in experiments.TABLES[table].rows if row.setting.startswith(setting)]
    return row


def steps_before(step):
    """A step and all that come before it."""
    yield step
    for earlier in step.after:
        yield from steps_before(earlier)


def written(step):
    """The flags of a step as they are typed, by name."""
    flags = (argument.removeprefix("--") for argument in step.arguments[1:])
    return dict(flag.split("=", 1) for flag in flags)


def train_flags(table, setting, setup=PAPER_SCALE):
    last = plans.plan(find(table, setting), setup)[0]
    return written(last.after[0])


@pytest.mark.parametrize("scale", ["paper", "small"])
def test_the_commands_accept_their_flags(scale, parse):
    setup = dataclasses.replace(PAPER_SCALE, scale=scale)
    planned = [plans.plan(row, setup) for _, row in ROWS]
    seen = {step.name: step for plan in planned for last in plan for step in steps_before(last)}
    for step in seen.values():
        knobs = parse(step.arguments)
        if step.name.startswith("runs/") and scale == "paper":
            recipe = knobs["recipe"]
            joined = (96, 5_000)
            alone = (256, 20_000 if recipe.init_from else 80_000)
            expected = joined if recipe.stream == "conv_fusion" else alone
            assert (recipe.batch_size, recipe.iterations) == expected


def test_an_unknown_flag_is_noticed(parse):
    with pytest.raises(flags.UnrecognizedFlagError):
        parse(["evaluate", "--run_dir=a", "--store=b", "--scores=c", "--nonsense=1"])


def test_one_name_is_one_command():
    known = {}
    for _, row in ROWS:
        for last in plans.plan(row, PAPER_SCALE):
            for step in steps_before(last):
                assert known.setdefault(step.name, step.line) == step.line


def test_tables_share_what_they_can():
    plain = plans.plan(find("1b", "Optical flow stacking (L = 10), mean subtraction on"),
                          PAPER_SCALE)[0]  # fmt: skip
    fused = plans.plan(find("3", "uni-directional, averaging"), PAPER_SCALE)[0]
    assert plain in fused.after


def test_a_row_differs_from_the_papers_recipe_in_its_setting_only():
    default = train_flags("1b", "Optical flow stacking (L = 10), mean subtraction on")
    changed = train_flags("1b", "Trajectory stacking (L = 10), mean subtraction off")
    assert {
        key: value for key, value in changed.items() if default.get(key) != value
    } == {
        "stacking": "trajectory",
        "mean_subtraction": "false",
        "run_dir": "results/runs/ucf101_split1_seed0/temporal_trajectory_mean_kept",
    }  # fmt: skip
    assert set(default) == {"dataset", "annotations", "split", "store", "run_dir", "seed"}


def test_rows_of_hmdb51_learn_from_all_of_ucf101_and_the_other_way_round():
    hmdb = train_flags("2", "Multi-task learning on HMDB-51")
    assert (hmdb["datasets"], hmdb["train_on_all"]) == ("hmdb51,ucf101", "ucf101")
    ucf = train_flags("2", "Multi-task learning, tested on UCF-101")
    assert (ucf["datasets"], ucf["train_on_all"]) == ("ucf101,hmdb51", "hmdb51")


def test_table_4_has_three_splits_and_each_trains_on_its_own():
    plan = plans.plan(find("4", "Temporal stream ConvNet, HMDB-51"), PAPER_SCALE)
    assert [written(last.after[0])["splits"] for last in plan] == ["1,1", "2,1", "3,1"]
    assert [written(last)["task"] for last in plan] == ["hmdb51"] * 3
    assert len({last.output for last in plan}) == 3


def test_the_svm_learns_from_training_videos_in_the_order_of_the_test_scores():
    [last] = plans.plan(find("3", "uni-directional, multi-task, SVM"), PAPER_SCALE)
    given = written(last)
    assert given["train_scores"] == given["scores"].replace(".test.npz", ".train.npz")
    assert {str(step.output) for step in last.after} == {
        *given["scores"].split(","), *given["train_scores"].split(",")
    }  # fmt: skip


def test_viva_trains_on_seven_subjects_for_each_that_is_left_out():
    plan = plans.plan(find("other", "VIVA"), PAPER_SCALE)
    for subject, last in enumerate(plan, start=1):
        assert last.result == "average"
        for test in last.after:
            given = written(test.after[0])
            assert (given["dataset"], given["split"]) == ("viva", str(subject))
            assert given["videos_dir"] == "data/videos/viva"
            assert "annotations" not in given
    assert len({last.output for last in plan}) == 8


def test_charades_is_fused_without_an_svm():
    [last] = plans.plan(find("other", "Charades"), PAPER_SCALE)
    assert "svm" not in written(last)
    spatial, temporal = (written(test.after[0]) for test in last.after)
    assert spatial["init_from"] == "imagenet"
    assert "init_from" not in temporal
    assert temporal["annotations"] == "data/lists/charades"


def test_what_cannot_be_run_has_no_commands(setup):
    assert plans.plan(find("4", "Spatio-temporal HMAX"), PAPER_SCALE) == []
    assert plans.plan(find("other", "VIVA"), setup) == []


def test_small_networks_have_half_the_dropout_except_where_it_is_the_subject(setup):
    assert train_flags("1b", "Single-frame", setup)["dropout_rate"] == "0.5"
    assert train_flags("1a", "From scratch, dropout 0.9", setup)["dropout_rate"] == "0.9"


def test_small_fine_tuning_is_as_much_shorter_as_in_the_paper(setup):
    scratch = train_flags("1a", "From scratch, dropout 0.9", setup)["num_iterations"]
    tuned = train_flags("1a", "Pre-trained + fine-tuning, dropout 0.9", setup)["num_iterations"]
    assert int(scratch) == 4 * int(tuned)


def test_each_seed_is_a_run_of_its_own(setup):
    setup = dataclasses.replace(setup, seeds=(0, 7))
    plan = plans.plan(find("4", "Spatial stream ConvNet, UCF-101"), setup)
    assert [written(last.after[0])["seed"] for last in plan] == ["0", "7"]
    assert len({last.output for last in plan}) == 2


def test_more_flags_go_to_every_training_and_win(setup):
    setup = dataclasses.replace(setup, train_flags="--num_iterations=3 --jit_compile")
    [last] = plans.plan(find("1b", "Single-frame"), setup)
    given = last.after[0].arguments
    assert given[-2:] == ["--num_iterations=3", "--jit_compile"]
    assert sum("num_iterations" in flag for flag in given) == 1
    assert "--jit_compile" not in last.arguments


@pytest.mark.parametrize(
    ("table", "setting", "flags", "named"),
    [
        ("1a", "From scratch, dropout 0.9", "--dropout_rate=0.5", "dropout_rate"),
        (
            "1b",
            "Trajectory stacking (L = 10), mean subtraction off",
            "--nomean_subtraction",
            "nomean_",
        ),
        ("1b", "Single-frame", "--jit_compile --seed 3", "seed"),
        (
            "3",
            "uni-directional, averaging",
            "--train_last_layer_only=false",
            "train_last_layer_only",
        ),
        ("2016_1", "Max, ReLU5", "--spatial_run=other", "spatial_run"),
    ],
)
def test_flags_that_a_row_itself_sets_are_refused_by_the_names_of_both(
    table, setting, flags, named
):
    row = find(table, setting)
    with pytest.raises(plans.RowError, match=f"leave `{named}") as caught:
        plans.plan(row, dataclasses.replace(PAPER_SCALE, train_flags=flags))
    assert repr(row.setting) in str(caught.value)


def test_the_dropout_that_only_a_scale_sets_may_be_another(setup):
    setup = dataclasses.replace(setup, train_flags="--dropout_rate=0.7")
    assert train_flags("1b", "Single-frame", setup)["dropout_rate"] == "0.7"


def test_more_flags_of_testing_neither_win_nor_make_another_step(parse):
    setup = dataclasses.replace(PAPER_SCALE, test_flags="--frames_per_batch=5 --part=train")
    [plain], [last] = (plans.plan(find("1b", "Slow fusion"), s) for s in (PAPER_SCALE, setup))
    parsed = parse(last.arguments)
    assert (parsed["protocol"].frames_per_batch, parsed["given"].part) == (5, "test")
    assert "--frames_per_batch=5" in last.line
    assert last.record == plain.record == plain.line
    assert last.after == plain.after


def test_commands_are_typed_and_recorded_as_flags_of_twostream():
    [last] = plans.plan(find("1b", "Single-frame"), PAPER_SCALE)
    train = last.after[0]
    run = "results/runs/ucf101_split1_seed0/temporal_L1"
    assert (
        train.line
        == train.record
        == (
            "twostream train-temporal --dataset=ucf101 --annotations=data/lists/ucfTrainTestlist "
            f"--split=1 --store=data/stores/ucf101 --run_dir={run} --seed=0 --stack_length=1"
        )
    )
    assert train.flags["stack_length"] == 1
    scores = "results/scores/ucf101_split1_seed0/temporal_L1.test.npz"
    assert last.line == (
        f"twostream evaluate --run_dir={run} --store=data/stores/ucf101 --part=test "
        f"--scores={scores}"
    )
    assert (str(last.output), last.name + ".npz") == (scores, scores.removeprefix("results/"))


def test_added_classes_are_the_papers_choice_unless_the_scale_has_its_own(setup):
    row = "Training on HMDB-51 with classes added"
    given = train_flags("2", row)
    assert (given["add_dataset"], given["add_store"]) == ("ucf101", "data/stores/ucf101")
    assert "add_classes" not in given
    assert train_flags("2", row, setup)["add_classes"].endswith("lists/first_classes.csv")


def test_two_trained_towers_are_joined():
    given = train_flags("2016_2", "ReLU3 + ReLU5 + FC6")
    runs = "results/runs/ucf101_split1_seed0"
    assert given == {
        "dataset": "ucf101",
        "annotations": "data/lists/ucfTrainTestlist",
        "split": "1",
        "store": "data/stores/ucf101",
        "run_dir": f"{runs}/joined_conv_relu3_relu5_full6",
        "seed": "0",
        "spatial_run": f"{runs}/spatial_cnn_m",
        "temporal_run": f"{runs}/temporal",
        "fusion_layer": "relu3,relu5,full6",
    }
    [last] = plans.plan(find("2016_2", "ReLU3 + ReLU5 + FC6"), PAPER_SCALE)
    spatial, temporal = last.after[0].after
    assert (spatial.flags["run_dir"], temporal.flags["run_dir"]) == (
        given["spatial_run"], given["temporal_run"]
    )  # fmt: skip
    assert (spatial.command, spatial.flags["dropout_rate"]) == ("train-spatial", 0.85)


def test_towers_of_each_split_are_joined_on_their_own():
    plan = plans.plan(find("2016_5", "Ours (S: VGG-16, T: VGG-16), HMDB-51"), PAPER_SCALE)
    for split, last in enumerate(plan, start=1):
        given = [written(step) for step in (last.after[0], *last.after[0].after)]
        assert {flags["split"] for flags in given} == {str(split)}
        assert all(f"hmdb51_split{split}_seed0" in flags["run_dir"] for flags in given)
    assert given[0]["keep_temporal_tower"] == "true"
    assert [flags["architecture"] for flags in given[1:]] == ["vgg16"] * 2
    assert given[2]["cross_modality"] == "true"


def test_small_towers_have_the_size_and_the_dropout_of_their_scale(setup):
    [last] = plans.plan(find("2016_1", "Max, ReLU5"), setup)
    fused = last.after[0]
    assert {name: fused.flags[name] for name in setup.size.fusing} == setup.size.fusing
    assert not {"width", "crop_size"} & set(fused.flags)
    for tower in fused.after:
        assert (tower.flags["width"], tower.flags["dropout_rate"]) == (0.25, 0.5)


def test_flags_that_only_towers_have_do_not_go_where_they_are_joined(setup, parse):
    both = "--num_iterations=3 --validation_share=0.2 --nomirroring --jit_compile"
    towers = "--width=0.1 --crop_size=64 --architecture=cnn_m --nocache_features"
    setup = dataclasses.replace(setup, train_flags=f"{both} {towers}")
    [last] = plans.plan(find("2016_1", "Max, ReLU5"), setup)
    fused, (spatial, _) = last.after[0], last.after[0].after
    assert fused.arguments[-4:] == both.split()
    assert spatial.arguments[-8:] == [*both.split(), *towers.split()]
    knobs = parse(fused.arguments)
    assert (knobs["recipe"].iterations, knobs["recipe"].mirroring) == (3, False)


def test_all_videos_are_those_of_a_list_that_is_made():
    [last] = plans.plan(find("2", "Fine-tuning"), PAPER_SCALE)
    given = written(last.after[0].after[0])
    assert (given["dataset"], given["annotations"]) == ("csv", "results/lists/ucf101_all.csv")
    assert "split" not in given
