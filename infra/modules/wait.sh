#!/usr/bin/env bash
# Waits until the host of an app, given by its address in APP, runs and Azure knows its function FUNCTION;
# ends with 1 after 15 minutes. Azure is told to look for functions again: on Flex Consumption it has been
# seen not to by itself (functions-action#373).
set -u
until=$((SECONDS + 900))
ask() { az rest --method "$1" --url "$APP/$2?api-version=2025-03-01" "${@:3}" 2>&1; }
up() {
  said=$(ask get "functions/$FUNCTION" --output none) || { ask post host/default/sync >/dev/null; return 1; }
  said=$(ask get host/default/properties/status --query 'properties.state || state' --output tsv)
  [[ $said == Running ]]
}
while ! up; do
  if ((SECONDS > until)); then
    echo "The app's host is not up after 15 minutes: $said" >&2
    echo "Look at the app's log, then deploy again." >&2
    exit 1
  fi
  echo "waiting for the app's host to index its functions ($SECONDS s)"
  sleep 10
done
echo "the app is ready for its events after $SECONDS s"
