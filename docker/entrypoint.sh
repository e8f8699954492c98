#!/bin/sh
# What the container does at start: look at its folder, then become the gateway (so that signals reach it).
set -eu
data="${READING_GATEWAY_DATA_DIR:-/data}"
mkdir -p "$data" 2>/dev/null || true
if ! [ -w "$data" ]; then
  echo "The data folder $data is not writable by uid $(id -u). Give the volume to that user and start again." >&2
  exit 1
fi
# Administration inside the container: docker compose exec gateway reading-gateway site list
if [ "$#" -gt 0 ]; then
  exec reading-gateway "$@"
fi
exec reading-gateway serve
