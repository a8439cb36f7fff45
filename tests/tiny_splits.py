"""Two small splits: `SPLIT`, one label per video, and `MANY`, several."""

from tf_twostream import datasets

NAMES = ("walk", "run", "jump")
SPLIT = datasets.Split(
    "tiny",
    NAMES,
    train=(
        datasets.Video("jump/b.avi", 2, "anna"),
        datasets.Video("walk/a.avi", 0),
        datasets.Video("run/é +(1)!.avi", 1),
    ),
    test=(datasets.Video("run/a.avi", 1),),
    unused=(datasets.Video("jump/a.avi", 2),),
)
ALL_IDS = {"walk/a.avi", "run/a.avi", "run/é +(1)!.avi", "jump/a.avi", "jump/b.avi"}


MANY = datasets.Split(
    "many",
    NAMES,
    train=(
        datasets.Video("a.mp4", 0, other_labels=(1, 2)),
        datasets.Video("b.mp4", 1),
    ),
    test=(datasets.Video("c.mp4", 0, other_labels=(2,)),),
    multi_label=True,
)


def ids(videos):
    return [video.id for video in videos]
