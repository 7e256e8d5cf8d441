#!/usr/bin/env bash
# Applies $FILE. What it deletes was shown on the pull request.
set -euo pipefail

arguments=(apply "$FILE" --yes)
[ "$PRUNE" = true ] && arguments+=(--prune)
"$RUNNER_TEMP/devinsync/bin/devinsync" "${arguments[@]}"
