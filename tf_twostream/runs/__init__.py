"""The run folder: one trained network with everything that a later step needs to use it.

```
RUN_DIR/run.json        recipe, versions of TensorFlow and Keras and, of each task, its store
RUN_DIR/split.json      class names, training, validation and test videos; of each of several
                        tasks TASK.split.json
RUN_DIR/sources.json    size and hash of each video file, as the store knew them
RUN_DIR/checkpoints/    weights, momentum, iteration, state of the dropout masks
RUN_DIR/best/           the weights that were best on the validation part, if there is one
RUN_DIR/training.json   loss and accuracy of the training, by iteration
RUN_DIR/validation.json the same of the validation part, if there is one
RUN_DIR/tensorboard/    curves and pictures; those of tests in [TASK/]evaluated_test and so on
```

`folder` and `history` read and write the JSON files, `weights` builds the network and restores it.
"""

from tf_twostream.runs.folder import (
    NoBestError,
    NoRunError,
    OtherRunError,
    OtherStoreError,
    Run,
    Task,
    UnknownTaskError,
    check_alike,
    check_store,
    check_videos,
    create,
    load,
)
from tf_twostream.runs.weights import (
    NoCheckpointError,
    build_model,
    copy,
    for_frames,
    initialise,
    load_model,
    newest,
    save,
    start_towers,
)

__all__ = [
    "NoBestError",
    "NoCheckpointError",
    "NoRunError",
    "OtherRunError",
    "OtherStoreError",
    "Run",
    "Task",
    "UnknownTaskError",
    "build_model",
    "check_alike",
    "check_store",
    "check_videos",
    "copy",
    "create",
    "for_frames",
    "initialise",
    "load",
    "load_model",
    "newest",
    "save",
    "start_towers",
]
