#!/usr/bin/env bash
# Joins the parts that flow_array.sh filled, and checks the store (docs/cluster.md).
#SBATCH --job-name=flow-join
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=04:00:00
set -euo pipefail
: "${DATA:?must name the folder of the data set}"

twostream join-stores "$DATA"/parts/* --store="$DATA/store"
twostream verify-store --store="$DATA/store"
