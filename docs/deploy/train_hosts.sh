#!/usr/bin/env bash
# Trains a network on two machines of a SLURM cluster (docs/cluster.md).
#   export DATA=/shared/ucf101   # A disk that all machines share.
#   sbatch docs/deploy/train_hosts.sh
#SBATCH --job-name=train
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=32
#SBATCH --mem=64G
#SBATCH --time=24:00:00
#SBATCH --requeue
set -euo pipefail
: "${DATA:?must name the folder of the data set}"

# One task on each machine, which takes all GPUs of it. Since version 22.05 srun must be told.
export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"
srun --kill-on-bad-exit=1 twostream train-temporal --dataset=ucf101 \
  --annotations="$DATA/ucfTrainTestlist" --store="$DATA/store" --run_dir="$DATA/runs/temporal"
