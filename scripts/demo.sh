#!/usr/bin/env bash
# All steps on a small drawn data set, in minutes on two cores: environment, videos, flow,
# both streams, evaluation, fusion, prediction, export. Results in ./demo, or in the folder given.
# What is done already is skipped, so an interrupted demo continues where it stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
make_environment ''
out=${1:-demo}
videos=$out/sample/videos
data="--dataset=csv --annotations=$out/sample/manifest.csv"
small="--width=0.25 --crop_size=84 --batch_size=32 --num_iterations=400 --dropout_rate=0.5"

step() { printf '\n== %s\n' "$*"; }

step "1. Draw labelled videos: 2 appearances x 3 motions = 6 classes"
[ -f "$out/sample/manifest.csv" ] || python data_tools/make_sample_videos.py --output_dir="$out/sample"

step "2. Decode them and compute optical flow"
python data_tools/precompute_flow.py $data --videos_dir="$videos" --store="$out/store" --shorter_side=96 \
  --method=dis # A third of the time of the default, brox, and nothing to compile.

step "3. Train the spatial stream on single frames"
python scripts/train_spatial.py $data --store="$out/store" --run_dir="$out/spatial" $small

step "4. Train the temporal stream on stacks of 10 flow fields"
python scripts/train_temporal.py $data --store="$out/store" --run_dir="$out/temporal" $small

step "5. Score training and test videos: 25 frames x 10 views each"
for stream in spatial temporal; do
  for part in train test; do
    [ -f "$out/$stream.$part.npz" ] || python scripts/evaluate.py --run_dir="$out/$stream" \
      --store="$out/store" --part=$part --scores="$out/$stream.$part.npz"
  done
done

step "6. Fuse the streams by averaging and by an SVM"
python scripts/fuse_scores.py --scores="$out/spatial.test.npz,$out/temporal.test.npz" --svm \
  --train_scores="$out/spatial.train.npz,$out/temporal.train.npz" --names=spatial,temporal --output_dir="$out/fused"

step "7. Label a video"
clip=$(grep ',test,' "$out/sample/manifest.csv" | head -1 | cut -d, -f1)
python scripts/predict.py --spatial_run="$out/spatial" --temporal_run="$out/temporal" \
  --explain --output_dir="$out/labelled" "$videos/$clip"

step "8. Export both streams as one SavedModel"
[ -d "$out/model" ] || python scripts/export_model.py --spatial_run="$out/spatial" \
  --temporal_run="$out/temporal" --output_dir="$out/model"

printf '\n== Done in %d minutes and %d seconds. Test videos the training did not see:\n' \
  $((SECONDS / 60)) $((SECONDS % 60))
cat "$out/fused/table.md"
cat <<EOF

Look at $out/labelled/ (a video with its flow, its label and activation maps) and $out/fused/*_confusion.png, and at the
curves by  tensorboard --logdir $out

All commands need the environment. Enter it in each new terminal, here:
  cd $PWD && . .venv/bin/activate
Next, with a folder of videos for each class in my_videos (README.md, "Your own videos"):
  python scripts/learn.py my_videos --output_dir=out
EOF
