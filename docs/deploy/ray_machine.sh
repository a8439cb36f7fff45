#!/usr/bin/env bash
# Starts Ray on a machine of a cluster (docs/cluster.md): first on the one that is its head, without
# an argument, then on each of the others with the head's address.
#   bash docs/deploy/ray_machine.sh            # On the head.
#   bash docs/deploy/ray_machine.sh head:6379  # On each of the others.
# Whoever reaches these ports can run programs here: only in a network of your own.
set -euo pipefail

export RAY_USAGE_STATS_ENABLED=0 # Else the head reports to Ray's makers.
if [ $# = 0 ]; then
  ray start --head --port=6379 --include-dashboard=false
else
  ray start --address="$1"
fi
