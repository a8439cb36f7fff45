"""Rows that cannot be run say why, and how to go on."""

import dataclasses
import json
import pathlib

from tf_twostream import datasets, experiments
from tf_twostream.datasets import union
from tf_twostream.experiments import needs, plans, rows
from tf_twostream.experiments.knobs import Setup

PAPER_SCALE = Setup(data_root="data", output_dir="results", imagenet_run="runs/imagenet")


def find(table, setting):
    [row] = [row for row in experiments.TABLES[table].rows if row.setting.startswith(setting)]
    return row


def test_a_row_that_cannot_be_run_says_why(setup, data_root):
    plain, both = find("1b", "Single-frame"), find("1b", "Optical flow stacking (L = 10), bi-dir")
    assert needs.missing(plain, setup) == needs.missing(both, setup) == ""
    assert "quoted" in needs.missing(find("4", "Spatio-temporal HMAX"), setup)
    without = dataclasses.replace(setup, imagenet_run="")
    assert needs.missing(find("3", "uni-directional, averaging"), without) == "needs imagenet_run"
    first = data_root / "stores" / "first"
    (first / "store.json").write_text('{"directions": ["forward"]}')
    assert needs.missing(both, setup) == f"needs backward flow in {first}"
    (data_root / "lists" / "first.csv").unlink()
    assert "first.csv" in needs.missing(plain, setup)
    (first / "store.json").unlink()
    assert needs.missing(plain, setup) == f"needs {first}/store.json"
    assert needs.missing(find("2", "Training on HMDB-51 without"), setup) == ""
    assert "stores/first" in needs.missing(find("2", "Multi-task learning on HMDB"), setup)


def test_viva_needs_the_folder_of_its_videos(tmp_path):
    setup = dataclasses.replace(PAPER_SCALE, data_root=str(tmp_path), imagenet_run=str(tmp_path))
    (tmp_path / "run.json").write_text(json.dumps({"recipe": {"width": 1.0, "crop_size": 224}}))
    row = find("other", "VIVA")
    assert needs.missing(row, setup) == f"needs {tmp_path}/stores/viva/store.json"
    (tmp_path / "stores" / "viva").mkdir(parents=True)
    (tmp_path / "stores" / "viva" / "store.json").write_text("{}")
    assert needs.missing(row, setup) == f"needs {tmp_path}/videos/viva"
    (tmp_path / "videos" / "viva").mkdir(parents=True)
    assert needs.missing(row, setup) == ""


def test_other_data_sets_have_no_small_one_in_their_place(setup):
    table = experiments.TABLES["other"].rows
    assert {needs.missing(row, setup) for row in table} == {"only with scale=paper"}
    assert needs.stores_missing(table, setup) == []
    assert needs.stores_missing(table, PAPER_SCALE) == ["charades", "viva"]
    assert needs.lists_to_write(table, setup) == {}


def test_the_imagenet_network_must_be_of_the_size_of_the_others(setup, tmp_path):
    row = find("1a", "Pre-trained + fine-tuning, dropout 0.5")
    setup = dataclasses.replace(setup, imagenet_run=str(tmp_path))
    assert needs.missing(row, setup) == f"needs {tmp_path / 'run.json'}"
    recipe = {"width": 0.25, "crop_size": 112}
    for size, words in (
        (recipe, ""),
        ({**recipe, "crop_size": 224}, "needs an imagenet_run of crop_size=112, not 224"),
        ({**recipe, "width": 1.0}, "needs an imagenet_run of width=0.25, not 1"),
    ):
        (tmp_path / "run.json").write_text(json.dumps({"recipe": size}))
        assert needs.missing(row, setup) == words
    tiny = dataclasses.replace(setup, train_flags="--width=0.05 --crop_size=41")
    assert needs.missing(row, tiny) == "needs an imagenet_run of width=0.05, not 1"


def test_published_weights_are_for_an_efficientnet_of_full_width(setup):
    row = find("1a", "Pre-trained + fine-tuning, dropout 0.5")
    words = "needs train_flags of --architecture=efficientnet_lite0 --width=1"
    for flags, missing in (
        ("", words),
        ("--architecture=efficientnet_lite0", words),
        ("--architecture=vgg16 --width=1", words),
        ("--architecture=efficientnet_lite0 --width=1", ""),
    ):
        own = dataclasses.replace(setup, imagenet_run="imagenet", train_flags=flags)
        assert needs.missing(row, own) == missing


def test_towers_need_a_network_of_their_architecture(setup, tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"recipe": {"width": 0.25, "crop_size": 112}}))
    setup = dataclasses.replace(setup, imagenet_run=str(tmp_path))
    words = "needs an imagenet_run of architecture=vgg16, not cnn_m"
    for table, setting, missing in (
        ("2016_1", "Max, ReLU5", ""),
        ("2016_3", "Temporal, VGG-M-2048, UCF", ""),
        ("2016_3", "Temporal, VGG-16, UCF", words),
        ("2016_4", "3D Conv, 3D Pooling, HMDB", words),
    ):
        assert needs.missing(find(table, setting), setup) == missing


def test_rows_about_an_architecture_are_not_run_with_another_one(setup):
    words = "needs train_flags without --architecture"
    lite = "--architecture=efficientnet_lite0 --width=1"
    setup = dataclasses.replace(setup, imagenet_run="imagenet", train_flags=lite)
    for table, setting, missing in (
        ("1b", "Single-frame", ""),
        ("2016_3", "Spatial, VGG-M-2048, UCF", ""),
        ("2016_3", "Spatial, VGG-16, UCF", words),
        ("2016_2", "ReLU2", words),
    ):
        assert needs.missing(find(table, setting), setup) == missing
    deep = dataclasses.replace(setup, train_flags="--architecture=vgg16")
    assert needs.missing(find("2016_4", "2D Conv, 2D Pooling, UCF"), deep) == words


def test_a_missing_store_comes_with_its_command(setup, parse):
    table = [find("2", "Multi-task learning on HMDB-51")]
    assert needs.stores_missing(table, setup) == []
    assert needs.stores_missing(table, PAPER_SCALE) == ["ucf101", "hmdb51"]
    two = ("ucf101", "hmdb51")
    for scale, known in ((setup, two), (PAPER_SCALE, rows.DATASETS)):
        for dataset in known:
            program, *command = needs.how_to_make(dataset, scale).split()
            assert program == "twostream"
            knobs = parse(command)
            own, source = scale.data_set(dataset), knobs["source"]
            assert knobs["output"].store == own.store
            assert own.lists in (source.annotations, source.videos_dir)


def test_a_list_of_all_has_every_video_for_training(setup, tmp_path):
    fine_tuning = find("2", "Fine-tuning")
    [(path, text)] = needs.lists_to_write([fine_tuning], setup).items()
    written = tmp_path / "all.csv"
    written.write_text(text)
    split = datasets.load(datasets.Source(dataset="csv", annotations=str(written)))
    assert [video.id for video in split.train] == ["a/1.avi", "a/2.avi", "b/1.avi"]
    assert not split.test
    [last] = plans.plan(fine_tuning, setup)
    pre_training = last.after[0].after[0]
    assert pre_training.flags["annotations"] == path
    assert last.after[0].flags["init_from"] == str(pre_training.output.parents[1])


def test_small_data_sets_add_the_classes_that_the_other_has_not(setup, data_root, tmp_path):
    own = data_root / "lists" / "second.csv"
    own.write_text(own.read_text().replace(",a,", ",c,"))
    row = find("2", "Training on HMDB-51 with classes added")
    [(path, text)] = needs.lists_to_write([row], setup).items()
    (tmp_path / "choice.csv").write_text(text)
    assert union.read_choice(tmp_path / "choice.csv") == ("a",)
    [small], [full] = plans.plan(row, setup), plans.plan(row, PAPER_SCALE)
    assert small.after[0].flags["add_classes"] == path
    assert "add_classes" not in full.after[0].line
    assert needs.lists_to_write([row], PAPER_SCALE) == {}  # Its 78 classes come with us.


def test_missing_lists_are_named(setup, tmp_path):
    table = experiments.TABLES["2"].rows
    lists = [f"{tmp_path}/lists/{name}.csv" for name in ("first", "second")]
    elsewhere = dataclasses.replace(setup, data_root=str(tmp_path))
    assert needs.lists_missing(table, elsewhere) == lists
    (tmp_path / "lists").mkdir(exist_ok=True)
    pathlib.Path(lists[0]).write_text("")
    assert needs.lists_missing(table, elsewhere) == lists[1:]
    assert needs.lists_missing(experiments.TABLES["other"].rows, elsewhere) == []
