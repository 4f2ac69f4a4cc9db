#!/usr/bin/env bash
# Builds and lints the templates, and refreshes what is kept of them: main.json, for the portal's
# button, and of each *.bicepparam here the snapshot of what it would deploy. Any warning is an error.
set -euo pipefail
cd "$(dirname "$0")"
bicep=${BICEP:-bicep}
command -v "$bicep" >/dev/null || {
  echo "infra: no Bicep compiler: put bicep on PATH, or name it in BICEP" >&2
  exit 1
}

# The simulated subscription's own ids, so that the simulator can take the snapshots as they are.
subscription=5a1e0000-0000-4000-8000-00000000a2e5
tenant=7e4a0000-0000-4000-8000-00000000d1e7

clean() {
  local said
  said=$("$bicep" "$@" 2>&1 >/dev/null) || { echo "$said" >&2; exit 1; }
  if [[ -n $said ]]; then
    echo "$said" >&2
    exit 1
  fi
}

clean format --pattern '**/*.bicep'
clean format --pattern '**/*.bicepparam'
clean build platform/main.bicep --outfile main.json
export AZURE_ENV_NAME=any AZURE_LOCATION=westeurope AZURE_SUBSCRIPTION_ID=$subscription
clean build-params platform/main.bicepparam --stdout
clean build-params events/main.bicepparam --stdout
for parameters in *.bicepparam; do
  clean snapshot "$parameters" --mode overwrite --deployment-name stillframe \
    --subscription-id "$subscription" --tenant-id "$tenant" --location westeurope
done
