"""What the user can do about an error, with the names of flags.

The packages below speak of rules and of what they received. Here stands, once for each class of
error, what helps at the command line. Classes are known by their names, because importing them all
would import TensorFlow.
"""

ADVICE = {
    # Data sets.
    "ListsError": "Give --annotations for all data sets but folders and viva, which have no lists.",
    "MissingListError": "Name the folder of the lists, or the lists, by --annotations.",
    "PartNameError": "Rename the list, or give one of each part: --annotations=train.txt,val.txt.",
    "VideosDirError": "Name the folder of the videos: by --videos_dir, or learn FOLDER.",
    "NamesError": "Put them into <class>/, or train/<class>/ and test/<class>/, or describe them "
    "by a CSV file: --dataset=csv.",
    "SingleClassError": "Put the videos of each class into a folder of its own, and name the "
    "folder in which these lie: by --videos_dir, or learn FOLDER.",
    "ListTextError": "Save it as UTF-8 (Excel: CSV UTF-8), with a quotation mark at both ends of a "
    "cell or at none.",
    "SeveralLabelsError": "Give --multi_label if videos may show several classes.",
    "GroupsError": "Choose other --test_groups, or give the way to find a group in a path by "
    "--group_pattern, or the groups in a CSV file: --dataset=csv.",
    "ValidationError": "Leave --validation_share out, or give more videos, or groups in a CSV "
    "file: --dataset=csv.",
    "SplitFileError": "Restore the file, or begin a new run in another folder.",
    "MissingVideosError": "Check the path, add the videos, or go on without them: --allow_missing.",
    "UnlearntClassError": "Add videos, or leave the classes out: --classes, or --allow_missing.",
    # Stores.
    "NoStoreError": "Make the store, or finish it, with twostream precompute-flow.",
    "FailedListError": "Remove the file, then run twostream precompute-flow again.",
    "DamagedStoreError": "Let twostream verify-store --redo remove what is damaged, then run "
    "precompute-flow again; a store without a good store.json must be computed anew.",
    "OtherSchemaError": "Use the version of this program that wrote it, or compute it anew in "
    "another --store.",
    "OtherSettingsError": "Give the same flags, or use another --store.",
    "MissingVideoError": "Compute it with twostream precompute-flow (--directions for backward "
    "flow); failed.csv in the store may say why a video is not there.",
    "OtherShardError": "Give the same --shard_index, --num_shards and lists, or another --store.",
    "PartsError": "Name all parts; one that is missing or unfinished is made by precompute-flow "
    "with its --shard_index.",
    "CropError": "Use a smaller --crop_size, or a larger --shorter_side: that of the store, which "
    "precompute-flow makes, or that of pretrain-imagenet.",
    "NoFoldersError": "Name the folder above those of the videos by --frames_dir and --flow_dir.",
    "UnreadableError": "See whether another program plays it.",
    # Runs.
    "NoPackageError": "Install it: pip install 'tf_twostream[pretrained]'.",
    "ForecastError": "Without it: run the lines of OUTPUT_DIR/commands.sh one by one.",
    "StepFlagsError": "Correct --train_flags, --test_flags or --flow_flags; nothing has been run.",
    "OtherVideosError": "Choose another --output_dir; --store=OLD/store takes the flow that is "
    "there.",
    "NoRayError": "Install it: pip install 'tf_twostream[ray]'.",
    "RayClusterError": "See docs/cluster.md for how a cluster is started; without one, leave "
    "--backend out. The same command continues.",
    "NoGradioError": "Install it: pip install 'tf_twostream[serve]'.",
    "BusyPortError": "End the program that uses it, or name another --port or --host.",
    "ClipError": "Send a shorter one, or allow more by --max_seconds and --max_megabytes.",
    "StartError": "Name a run that fits by --init_from, of the same --width and --crop_size; with "
    "--second_normalisation if it normalises twice, with --cross_modality if it is spatial.",
    "NoRunError": "Name the --run_dir of a training script.",
    "OtherRunError": "Continue it with the flags it was begun with, or choose another --run_dir.",
    "DamagedRunError": "Restore the file, use the version that wrote it, or begin a new run in "
    "another folder.",
    "NoBestError": "Leave --checkpoint=best out, or train with --validation_share=0.2 in another "
    "--run_dir.",
    "OtherStoreError": "Name a store made with the same settings, or make one with "
    "twostream precompute-flow.",
    "NoCheckpointError": "Run the training command again.",
    "DamagedCheckpointError": "Restore its files from a copy, or begin a run in another folder.",
    "UnknownTaskError": "Change --task, or leave it out.",
    "TowerError": "Name runs of train-spatial and train-temporal that were trained on the same "
    "split, with the same --validation_share, and on a store made with the same settings.",
    "TooManyFeaturesError": "Join narrower layers, choose another --fusion, or use a machine with "
    "more memory.",
    "LayersError": "Name other layers by --fusion_layer, or towers that fit each other.",
    # Training.
    "NotFiniteError": "Begin a new run with a smaller --learning_rate or, where --width is small, "
    "--dropout_rate=0.5, or check the flow with twostream verify-store.",
    "ImagesError": "Give class folders for both, or shards for both. Unpack the .tar of each class "
    "into a folder of its own; validation images without class folders need --val_labels.",
    "LabelListError": "Each line of --val_labels names a class, such as n01440764. The meta.mat of "
    "the development kit translates its numbers.",
    "LabelError": "Give the --first_label and --num_classes of these shards.",
    "DamagedImageError": "Put a good copy in its place; the same command continues.",
    "DamagedShardError": "Fetch it again; the same command then continues.",
    "HostError": "Start the same command on all hosts (--host_timeout says how long each waits for "
    "the others); a training goes on from its last checkpoint.",
    "PortError": "End the program that uses it, or name another port in TF_CONFIG.",
    "ClusterError": "Correct the variable, or unset it to train on this machine alone.",
    "SlurmError": "Start the command by srun, or set TF_CONFIG, to {} to train on this machine "
    "alone.",
    # Evaluation.
    "EmptyPartError": "Name another --part; of another data set, --part=all takes all videos.",
    "ClassesError": "Name the classes as the network does: its split.json lists them.",
    "SourceError": "Name a file, a folder, a quoted pattern, a .txt list, img_%05d.jpg, the number "
    "of a camera, or an address.",
    "PairError": "Name runs of train-spatial and train-temporal on the same data set, or one of "
    "train-conv-fusion by --conv_fusion_run.",
    "OneStreamError": "Leave --explain out, or explain its two towers: --spatial_run and "
    "--temporal_run.",
    "OtherFlowError": "Use the versions that the run was trained with, or train it anew.",
    "UnknownLayerError": "Name a layer by --layer; docs/features.md says which there are.",
    "OtherFeaturesError": "Choose another --output_dir.",
    "NoOnnxError": "Install it: pip install 'tf_twostream[deploy]'.",
    "UnsupportedLayerError": "Choose --format=litert or savedmodel.",
    "BundleError": "Ask for the file anew: twostream export-model --bundle writes it.",
    "SolverError": "Leave --frames_in out, or train on a store made with --method=brox.",
    "NoScoresError": "Write it: scores by twostream evaluate, fusion.npz by twostream fuse-scores.",
    "ScoresError": "Evaluate all streams with twostream evaluate on the same part of one split.",
    "MaterialError": "Name runs of train-spatial and train-temporal; by --scores what twostream "
    "evaluate wrote of them, and by --validation_scores what it wrote with --part=validation.",
    "FusionError": "Name a fusion.npz that twostream fuse-scores wrote for these streams.",
    "StepError": "What it printed is above; the same command tries it again.",
    "RowError": "Leave that flag out of --train_flags, or choose tables by --table in which no row "
    "sets it.",
    "ResultsError": "Give the same flag, or choose another --output_dir.",
    # Files of other programs.
    "ForeignFileError": "Was the download cut off, or is it another kind of file?",
    "OtherFormError": "Write the file anew. In MATLAB: s = load('it.mat'); save('older.mat', "
    "'-struct', 's', '-v7'); and for a struct `net`: save('it.mat', '-struct', 'net'). Files of "
    "Caffe are brought up to date by its tool upgrade_net_proto_binary.",
    "OtherNetworkError": "Only CNN-M-2048 and VGG-16 can be converted; if it is a smaller or a "
    "larger one, give its --width and --crop_size.",
    "DescriptionError": "Give --mean, --class_names and --dataset as the network was trained, not "
    "both of the last two, and --lrn_k for .caffemodel files alone.",
    # Of Python and TensorFlow.
    "BlockingIOError": "Wait until it ends, or end it: kill NUMBER; a training then writes a "
    "checkpoint first.",
    "FileExistsError": "Choose another folder, or remove it.",
    "DataLossError": "A file of the store is damaged: twostream verify-store names it.",
    "NotFoundError": "A file of the store is missing: twostream verify-store names it.",
    "ResourceExhaustedError": "Memory is short: try a smaller --chunk_size in training, or "
    "--frames_per_batch in testing.",
}


# TensorFlow says ResourceExhaustedError of a disk, too.
_FULL_DISK = ("No space left on device", "Disk quota exceeded")


def advise(error: Exception) -> str:
    """Returns what helps against an error; empty if only the user can know."""
    if any(words in str(error) for words in _FULL_DISK):
        return "The disk is full: make room on it; the same command then continues."
    return next((ADVICE[k.__name__] for k in type(error).__mro__ if k.__name__ in ADVICE), "")
