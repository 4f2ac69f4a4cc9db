#!/usr/bin/env bash
# Waits until Azure knows a function, given by its address in FUNCTION; ends with 1 after 15 minutes.
set -u
until=$((SECONDS + 900))
while ! refusal=$(az rest --method get --url "$FUNCTION?api-version=2025-03-01" --output none 2>&1); do
  if ((SECONDS > until)); then
    echo "The app's host has not indexed it in 15 minutes: $refusal" >&2
    echo "Look at the app's log, then deploy again." >&2
    exit 1
  fi
  echo "waiting for the app's host to index its functions ($SECONDS s)"
  sleep 10
done
echo "the app is ready for its events after $SECONDS s"
