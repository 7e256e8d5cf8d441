#!/usr/bin/env bash
# Writes the plan of $FILE into a comment on pull request $PULL_REQUEST; fails if the file is wrong.
set -euo pipefail

arguments=(plan "$FILE" --exit-code)
[ "$PRUNE" = true ] && arguments+=(--prune)
status=0
plan=$("$RUNNER_TEMP/devinsync/bin/devinsync" "${arguments[@]}" 2>&1) || status=$?

case $status in
  0) title="DevinSync: nothing to change" ;;
  2) title="DevinSync would change this" ;;
  *) title="DevinSync cannot apply $FILE" ;;
esac
comment=$(mktemp)
# A fence longer than any in the plan, so that the plan stays text.
printf '### %s\n\n``````text\n%s\n``````\n' "$title" "${plan//\`\`\`\`\`\`/}" > "$comment"
gh pr comment "$PULL_REQUEST" --repo "$GITHUB_REPOSITORY" --edit-last --create-if-none --body-file "$comment"
[ "$status" != 1 ]
