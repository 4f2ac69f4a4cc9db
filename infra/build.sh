#!/usr/bin/env bash
# Builds and lints the templates, and refreshes the committed output: main.json, for the portal's
# button, and in snapshots/ what each set of parameters would deploy. Any warning is an error.
set -euo pipefail
cd "$(dirname "$0")"
bicep=${BICEP:-bicep}
command -v "$bicep" >/dev/null || {
  echo "infra: no Bicep compiler: put bicep on PATH, or name it in BICEP" >&2
  exit 1
}

# The simulated subscription's own ids, so that the simulator can deploy the snapshots unchanged.
subscription=5a1e0000-0000-4000-8000-00000000a2e5
tenant=7e4a0000-0000-4000-8000-00000000d1e7

# Each linter rule is an error here and nowhere else. The linter's configuration is not in a parent folder of
# the templates: a compiler uses the nearest configuration, and next year's compiler, with new rules, would
# refuse this year's release.
rules=$PWD/lint/bicepconfig.json

clean() {
  local output
  output=$("$bicep" "$@" --config "$rules" 2>&1 >/dev/null) || { echo "$output" >&2; exit 1; }
  if [[ -n $output ]]; then
    echo "$output" >&2
    exit 1
  fi
}
snapshot() {
  clean snapshot "$1" --mode overwrite --deployment-name stillframe \
    --subscription-id "$subscription" --tenant-id "$tenant" --location westeurope
}

clean format --pattern '**/*.bicep'
clean format --pattern '**/*.bicepparam'
clean build platform/main.bicep --outfile main.json
clean build events/main.bicep --stdout
for parameters in snapshots/*.bicepparam; do
  snapshot "$parameters"
done
# As azd deploys them: each file has the values that `azd env set` stored.
for environment in snapshots/azd/*.env; do
  for layer in platform events; do
    (
      export AZURE_SUBSCRIPTION_ID=$subscription AZURE_LOCATION=westeurope
      set -a
      # shellcheck source=/dev/null
      source "$environment"
      snapshot "$layer/main.bicepparam"
    )
    mv "$layer/main.snapshot.json" "${environment%.env}.$layer.snapshot.json"
  done
done
