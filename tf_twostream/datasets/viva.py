"""Reads the hand gestures of the VIVA challenge (Ohn-Bar & Trivedi, IEEE T-ITS 15(6), 2014).

19 gestures of 8 subjects in a car, measured by leaving one subject out. There are no lists: a
file name says everything. That it reads as follows was gathered from programs of others that
train on these files, not from a description of the challenge's own:

* `01_13_02.avi` is recording 01, gesture 13, repetition 02;
* recordings 1 and 2 are of subject 1, ... 15 and 16 of subject 8;
* the files show 32 gestures, of which the challenge uses the 19 of `GESTURES`;
* 70 and 80 are slips for 7 and 8.

The folder `depth` beside the files has their depth videos under the same names: they are left
out, or read if that folder is named as the folder of the videos. Files that are named otherwise can
be described by a CSV file with the subjects as groups, one of which is then left out.
"""

import os
import re

from absl import logging

from tf_twostream.datasets import folders, splits, video_files
from tf_twostream.processes import printing

GESTURES = (1, 2, 3, 4, 6, 7, 8, 13, 14, 15, 16, 21, 23, 27, 28, 29, 30, 31, 32)
NUM_SUBJECTS = 8
_SLIPS = {70: 7, 80: 8}
_NAME = re.compile(r"(\d+)_(\d+)_[^/]*")


def read(videos_dir: str | os.PathLike[str], subject: int) -> splits.Split:
    """Reads the split that tests on one subject and trains on the other seven.

    Args:
        videos_dir: The folder that holds `01_01_01.avi`, ...
        subject: The subject to leave out, 1 to 8.

    Returns:
        The split; a class is named after its number, for example "gesture 13".

    Raises:
        VideosDirError: If there is no such folder, no video in it, or none of the subject.
        NamesError: If the name of a file does not follow the rule.
    """
    ids = sorted(id for id in video_files.find_videos(videos_dir) if "/" not in id)
    videos = [video for id in ids if (video := _parse(id))]
    logging.info("%d of %d videos show the gestures of the challenge.", len(videos), len(ids))
    left_out = _group(subject)
    train = tuple(video for video in videos if video.group != left_out)
    test = tuple(video for video in videos if video.group == left_out)
    if not test:
        rule = (
            f"`videos_dir` must hold videos of {left_out}, such as {2 * subject - 1:02}_01_01.avi"
        )
        given = f"{os.fspath(videos_dir)}, with {printing.count(len(videos), 'video')} of others"
        raise video_files.VideosDirError(f"{rule}. Received: {given}.")
    # All 19 classes, even if a copy of the data lacks some: a label means the same everywhere.
    names = tuple(f"gesture {number:02}" for number in GESTURES)
    return splits.Split(f"viva without {left_out}", names, train, test)


def _parse(id: str) -> splits.Video | None:
    """Returns what the name of a file says; None for a gesture that the challenge does not use."""
    match = _NAME.fullmatch(id)
    subject = (int(match[1]) + 1) // 2 if match else 0  # Two recordings of each.
    if not match or not 1 <= subject <= NUM_SUBJECTS:
        rule = (
            f"A name must be recording_gesture_repetition.avi, recordings 01 to {2 * NUM_SUBJECTS}"
        )
        raise folders.NamesError(f"{rule}. Received: {id!r}.")
    number = _SLIPS.get(int(match[2]), int(match[2]))
    if number not in GESTURES:
        return None
    return splits.Video(id, GESTURES.index(number), _group(subject))


def _group(subject: int) -> str:
    return f"subject {subject}"
