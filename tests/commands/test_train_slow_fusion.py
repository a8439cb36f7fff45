"""The commands that train on RGB stacks and on classes of another data set."""

import pytest

from tf_twostream import runs


@pytest.mark.slow  # Three processes, 39 s on two busy cores.
def test_slow_fusion_and_added_classes_are_trained_by_their_commands(train, tiny_store, tmp_path):
    rows = [f"{video.id},added {video.label},train" for video in tiny_store[1].train]
    (tmp_path / "list.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")
    choice = "class,use,counterpart,reason\nadded 0,add,,\nadded 2,add,,\n"
    (tmp_path / "choice.csv").write_text(choice)
    added = [
        "--add_dataset=csv", f"--add_annotations={tmp_path / 'list.csv'}",
        f"--add_store={tiny_store[0]}", f"--add_classes={tmp_path / 'choice.csv'}",
        "--allow_missing",
    ]  # fmt: skip
    flags_of = {"slow_fusion": ["--num_frames=9"], "spatial": added, "temporal": added}
    processes = {
        stream: train(stream, tmp_path / stream, "--num_iterations=1", *flags)
        for stream, flags in flags_of.items()
    }
    for process in processes.values():
        _, err = process.communicate()
        assert process.returncode == 0, err
    networks = {stream: runs.load(str(tmp_path / stream)) for stream in flags_of}
    assert networks["slow_fusion"].recipe.num_frames == 9
    for stream in ("spatial", "temporal"):
        assert networks[stream].split.class_names[3:] == ("added 0", "added 2")
