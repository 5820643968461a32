#!/usr/bin/env bash
# Previews an environment against what is really there, with the identity that can only read. Reads ENVIRONMENT; hands its options on.
#
# Everything is refreshed but the app's settings: azure-native reads those by POST, for which the identity would need
# Microsoft.Web/sites/config/list/action, and with that it could read the secrets of every app in the subscription.
set -euo pipefail

pulumi -C infra preview --refresh --exclude '**::handler-settings' --suppress-outputs --stack "$ENVIRONMENT" --non-interactive "$@"
