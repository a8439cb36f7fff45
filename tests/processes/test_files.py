"""Files that are whole or absent."""

import pytest
import tensorflow as tf

from tf_twostream.processes import files


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new folder" / "a.json"
    files.write_json(path, {"b": 1, "a": [2]}, sort_keys=True)
    assert path.read_text() == '{"a": [2], "b": 1}\n'
    with pytest.raises(TypeError):
        files.write_json(path, {"a": object()})
    assert files.read_json(path) == {"a": [2], "b": 1}
    assert [file.name for file in path.parent.iterdir()] == ["a.json"]


def test_a_damaged_json_file_is_named(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ValueError, match=r"must hold JSON\. Received: .*a\.json"):
        files.read_json(tmp_path / "a.json")


@pytest.fixture(params=["", "ram://"])
def folder(request, tmp_path):
    """A folder of this machine, and one on a file system of TensorFlow's."""
    return f"{request.param}{tmp_path}" if not request.param else f"ram://{tmp_path.name}"


def test_every_file_system_gives_back_what_was_written(folder):
    path = files.join(folder, "a", "b.bin")
    assert not files.exists(path)
    for data in (b"one", b"two"):  # The second time it replaces a file.
        files.write(path, data)
        assert files.read(path) == data
    found = [(name, names) for name, _, names in files.walk(folder) if names]
    assert [names for _, names in found] == [["b.bin"]]
    assert found[0][0].rstrip("/").endswith("/a")
    files.remove_folder(folder)
    files.remove_folder(folder)  # Removing what is gone is no error.
    assert not files.exists(path)


def test_a_missing_file_is_an_error(folder):
    with pytest.raises((OSError, tf.errors.NotFoundError)):
        files.read(files.join(folder, "none"))


def test_what_cannot_be_written_leaves_the_old_content(folder):
    path = files.join(folder, "b.bin")
    files.write(path, b"old")
    files.make_folder(path + files.PARTIAL)  # In the way of the new file.
    with pytest.raises((OSError, tf.errors.OpError)):
        files.write(path, b"new")
    assert files.read(path) == b"old"


def test_folders_that_are_links_are_walked_through(tmp_path):
    (tmp_path / "elsewhere" / "class").mkdir(parents=True)
    (tmp_path / "elsewhere" / "class" / "a.txt").touch()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "class").symlink_to(tmp_path / "elsewhere" / "class")
    found = [name for _, _, names in files.walk(tmp_path / "here") for name in names]
    assert found == ["a.txt"]


def test_below_no_folder_a_name_stays_relative():
    assert files.join("", "store.json") == "store.json"
    assert files.join("/", "store.json") == "/store.json"


def test_csv_ends_its_lines_alike_on_every_system(tmp_path):
    files.write_csv(tmp_path / "a.csv", [["id", "why"], ["a,b", 1]])
    assert (tmp_path / "a.csv").read_bytes() == b'id,why\n"a,b",1\n'


def test_an_output_is_probed_and_an_old_one_left_alone(tmp_path):
    path = tmp_path / "new" / "scores.npz"
    files.check_output(path, "scores")
    assert path.parent.is_dir() and not list(path.parent.iterdir())
    path.write_text("old")
    files.check_output(path, "scores")
    assert path.read_text() == "old"


def test_an_output_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "scores.npz", "/proc/scores.npz"):
        with pytest.raises(OSError, match="`scores` must be a file that can be written. Received"):
            files.check_output(path, "scores")


def test_a_folder_for_results_is_tried_and_not_made_yet(tmp_path):
    for path in (tmp_path, tmp_path / "a" / "b"):
        files.check_folder(path, "output_dir")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("kept")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        rule = "`output_dir` must be a folder that can be written to. Received: "
        with pytest.raises(OSError, match=f"{rule}{path} "):
            files.check_folder(path, "output_dir")
    assert (tmp_path / "file").read_text() == "kept"


def test_a_new_folder_must_not_exist_and_is_not_made_yet(tmp_path):
    files.check_new_folder(tmp_path / "new", "output_dir")
    assert not (tmp_path / "new").exists()
    with pytest.raises(FileExistsError, match="`output_dir` must not exist yet"):
        files.check_new_folder(tmp_path, "output_dir")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="can be written to"):
        files.check_new_folder(tmp_path / "file" / "below", "output_dir")


@pytest.mark.parametrize("can_link", [True, False])
def test_a_link_is_the_same_file_or_a_copy_and_replaces_what_is_there(
    tmp_path, monkeypatch, can_link
):
    if not can_link:
        monkeypatch.setattr(files.os, "link", lambda *names: files.os.stat(tmp_path / "none"))
    (tmp_path / "a").write_bytes(b"new")
    (tmp_path / "b").write_bytes(b"old")
    for target in ("b", "folder/c", "b"):  # Also a name that the file has already.
        files.link(str(tmp_path / "a"), str(tmp_path / target))
        assert (tmp_path / target).read_bytes() == b"new"
        assert (tmp_path / target).samefile(tmp_path / "a") == can_link
    assert not list(tmp_path.rglob("*.partial"))


def test_files_are_copied_between_file_systems(tmp_path):
    (tmp_path / "a").write_bytes(b"new")
    files.link(str(tmp_path / "a"), "ram://copied/a")
    assert files.read("ram://copied/a") == b"new"
