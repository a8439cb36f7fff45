#!/usr/bin/env bash
# Flow of a data set by a SLURM array: each of its jobs fills a part of the store (docs/cluster.md).
#   export DATA=/shared/ucf101   # A disk that all machines share.
#   array=$(sbatch --parsable docs/deploy/flow_array.sh)
#   sbatch --dependency=afterany:$array docs/deploy/flow_join.sh
#SBATCH --job-name=flow
#SBATCH --array=0-31
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=04:00:00
#SBATCH --requeue
set -euo pipefail
: "${DATA:?must name the folder of the data set}"

# What was complete when a job ended, or was put back into the queue, is not done again.
twostream precompute-flow --dataset=ucf101 --videos_dir="$DATA/UCF-101" \
  --annotations="$DATA/ucfTrainTestlist" --method=brox --num_workers="$SLURM_CPUS_PER_TASK" \
  --store="$DATA/parts/$SLURM_ARRAY_TASK_ID" \
  --shard_index="$SLURM_ARRAY_TASK_ID" --num_shards=32 # As many as the array has.
