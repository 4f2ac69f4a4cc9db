#!/usr/bin/env bash
# Waits until the host of an app (its URL is in APP) runs and Azure has indexed its function FUNCTION;
# exits with 1 after 15 minutes. It requests a sync of the functions, because on Flex Consumption Azure has
# been seen not to index them by itself (functions-action#373).
set -u
until=$((SECONDS + 900))
ask() { az rest --method "$1" --url "$APP/$2?api-version=2025-03-01" "${@:3}" 2>&1; }
up() {
  answer=$(ask get "functions/$FUNCTION" --output none) || { ask post host/default/sync >/dev/null; return 1; }
  answer=$(ask get host/default/properties/status --query 'properties.state || state' --output tsv)
  [[ $answer == Running ]]
}
while ! up; do
  if ((SECONDS > until)); then
    echo "The app's host is not running after 15 minutes: $answer" >&2
    echo "Check the app's log, then deploy again." >&2
    exit 1
  fi
  echo "waiting for the app's host to index its functions ($SECONDS s)"
  sleep 10
done
echo "the app is ready for its events after $SECONDS s"
