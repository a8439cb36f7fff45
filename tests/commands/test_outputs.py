"""Outputs are probed before the work, and before TensorFlow is imported."""

import pytest

DATA = ("--dataset=csv", "--annotations=none.csv", "--store=nowhere")
TRAIN = (*DATA, "--run_dir={}")


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        ("train_spatial", TRAIN),
        ("train_temporal", TRAIN),
        ("train_slow_fusion", TRAIN),
        ("train_conv_fusion", (*TRAIN, "--spatial_run=s", "--temporal_run=t")),
        ("train_multitask", ("--datasets=csv,viva", "--stores=a,b", "--run_dir={}")),
        ("pretrain_imagenet", ("--train_images=none", "--run_dir={}")),
        ("convert_weights", ("--weights=none.pth", "--run_dir={}")),
        ("export_model", ("--spatial_run=s", "--temporal_run=t", "--output_dir={}")),
        ("evaluate", ("--run_dir=r", "--store=s", "--scores={}.npz")),
        ("fuse_scores", ("--scores=a.npz,b.npz", "--output_dir={}")),
        ("make_figures", ("--scores=a.npz", "--output_dir={}")),
        ("make_report", ("--store=s", "--spatial_run=s", "--scores=a.npz", "--output_dir={}")),
        ("reproduce_table", ("--table=1b", "--data_root=d", "--output_dir={}")),
    ],
)
def test_an_output_that_cannot_be_written_is_said_before_anything_that_is_missing(
    here, tmp_path, command, flags
):
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "out"  # Not even root can write below a file.
    with pytest.raises(OSError, match=str(tmp_path / "file")):
        here(command, *(flag.format(place) for flag in flags))
