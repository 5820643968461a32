#!/usr/bin/env bash
# Says, when a deployment has failed, what runs now and how to get back. Reads ENVIRONMENT, DEPLOYED (what became of the step that
# deploys), RUN (whose package it is), GH_TOKEN and GH_REPO; writes to the log and to the summary of the run.
set -euo pipefail

say() {
  echo "$1" | tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"
}

say "### $ENVIRONMENT was not deployed as it should be; the environments after it were left alone."
if [ "$DEPLOYED" != success ] && [ "$DEPLOYED" != failure ]; then
  say "The package was not deployed: $ENVIRONMENT runs the package that it ran before. Its infrastructure may have changed already, in parts: the app has"
  say "the settings that either package needs. Look at the step that failed, and push a fix."
  exit 0
fi
say "The package was sent to $ENVIRONMENT and may run there. Events are not lost: they wait in the hub and in the retry queue."

# The newest other run of the pipeline in which every environment that it went to was healthy.
if ! good="$(gh run list --workflow deploy.yml --branch main --event push --status success --limit 20 --json databaseId --jq "map(.databaseId | select(. != ${RUN:-0}))[0] // empty")"; then
  good=''
fi
say "To run the package of an earlier run again (its infrastructure stays as it is):"
say "    gh workflow run operate.yml -f action=rollback -f environment=$ENVIRONMENT -f run=${good:-<id of the run>}"
if [ -z "$good" ]; then
  say "No other run went through all environments; choose one: gh run list --workflow deploy.yml --branch main"
fi
