"""The command that joins two towers."""

import pytest
from absl import flags

from tf_twostream import cli
from tf_twostream.commands import train_conv_fusion
from tf_twostream.training import execution


def test_its_flags_are_those_that_others_rely_on():
    shown = cli.describe(train_conv_fusion.main, "train_conv_fusion.py")
    for flag in (
        "--spatial_run", "--temporal_run", "--fusion_layer", "--fusion_init=<identity|gaussian>",
        "--fusion=<sum|max|concatenation|conv|bilinear>", "--num_snippets", "--snippet_stride",
        "--temporal_fusion=<none|2d_pool|3d_pool|3d_conv_3d_pool>", "--[no]keep_temporal_tower",
        "--train_from_layer", "--dropout_rate",
    ):  # fmt: skip
        assert f"\n  {flag}\n" in shown
    # Towers have these from their runs.
    for flag in ("--init_from", "--architecture", "--width", "--crop_size"):
        assert flag not in shown


def test_it_needs_both_towers():
    given = ["program", "--dataset=csv", "--annotations=a.csv", "--store=s", "--run_dir=r"]
    with pytest.raises(flags.Error, match="--spatial_run and --temporal_run must be given"):
        cli.parse(train_conv_fusion.main, given, flags.FlagValues())


def test_flags_that_an_svm_has_no_use_for_are_named(capsys):
    given = execution.Execution(run_dir="run", patience=3, chunk_size=2, gpu_memory=1.0)
    train_conv_fusion._say_what_is_idle(given)
    assert capsys.readouterr().out.endswith("without iterations. Idle: --chunk_size, --patience\n")
    train_conv_fusion._say_what_is_idle(execution.Execution(run_dir="run"))
    assert not capsys.readouterr().out
