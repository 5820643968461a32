#!/usr/bin/env bash
# Says in the pull request what its activation file means for the people whom the environment's destinations know. One comment per
# environment, which later pushes rewrite. Reads ENVIRONMENT, PULL_REQUEST and GITHUB_REPOSITORY; needs gh and a sign-in to Azure.
set -euo pipefail

file="apps/handler/activations/$ENVIRONMENT.yaml"
marker="<!-- activation plan of $ENVIRONMENT -->"
plan="$(npx activation plan --activations "$file" --environment "$ENVIRONMENT" --markdown)" || plan="The activation file was not \
compared with the ledger of $ENVIRONMENT: there is no such environment yet, or the identity of this preview may not read its ledger. \
To allow that, give it the role Storage Table Data Reader on the data storage account; the ledger holds identities of people."
body="$(printf '%s\n**%s**\n\n%s\n' "$marker" "$ENVIRONMENT" "$plan")"

comments="repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments"
earlier="$(gh api --paginate "$comments" --jq ".[] | select(.body | startswith(\"$marker\")) | .id" | tail -n 1)"
if [ -n "$earlier" ]; then
  gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$earlier" --field "body=$body"
else
  gh api --silent --method POST "$comments" --field "body=$body"
fi
