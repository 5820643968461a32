#!/usr/bin/env bash
# Keeps one open issue of a title, as a file says: opened when the file has a text and there is none, renewed when there is one, closed
# when the file is empty. Reads GH_TOKEN and GH_REPO. Usage: bash tools/keep-issue.sh <title> <file>
set -euo pipefail
title="$1"
file="$2"

number="$(gh issue list --state open --search "in:title \"$title\"" --json number,title \
  --jq "[.[] | select(.title == \"$title\")][0].number // empty")"
if [ -s "$file" ]; then
  if [ -z "$number" ]; then
    gh issue create --title "$title" --body-file "$file"
  else
    gh issue edit "$number" --body-file "$file"
  fi
elif [ -n "$number" ]; then
  gh issue close "$number" --comment 'Nothing is left of it.'
else
  echo "$title: nothing to say"
fi
