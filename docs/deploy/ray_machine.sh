#!/usr/bin/env bash
# Starts Ray on a machine of a cluster (docs/cluster.md): first on the one that is its head, without
# an argument, then on each of the others with the head's address.
#   bash docs/deploy/ray_machine.sh            # On the head.
#   bash docs/deploy/ray_machine.sh head:6379  # On each of the others.
# Whoever reaches these ports and has the token can run programs here: on the head,
# `ray get-auth-token --generate` makes ~/.ray/auth_token, which all machines need.
set -euo pipefail

export RAY_AUTH_MODE=token
export RAY_USAGE_STATS_ENABLED=0 # Else the head reports to Ray's makers.
if [ $# = 0 ]; then
  ray start --head --port=6379 --include-dashboard=false
else
  ray start --address="$1"
fi
