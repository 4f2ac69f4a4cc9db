# How infra/smoke.sh calls az: run, read a value, expect an error, wait. Sourced; all az calls go through here.
# shellcheck shell=bash disable=SC2034,SC2154 # infra/smoke.sh sets and reads the rest

# Run az; in a dry run print the command.
run() {
  if [[ ! $dry_run ]]; then
    az "$@" --subscription "$subscription" --only-show-errors
    return
  fi
  local word line=az
  for word; do
    case $word in
      *[\"\$\`\\]*) line+=" ${word@Q}" ;;
      *[!A-Za-z0-9_./:=@,+-]* | '') line+=" \"$word\"" ;;
      *) line+=" $word" ;;
    esac
  done
  echo "$line" >&3
}

# The same, returning the result: `value NAME command ..` is <NAME> in a dry run.
value() {
  run "${@:2}" --output tsv || return # in a command substitution errexit is off
  [[ ! $dry_run ]] || echo "<$1>"
}

# The same for a request that Azure may refuse: prints `accepted`, or the error in one line (az prints it
# twice), without signatures.
attempt() {
  local words
  if words=$(run "$@" --output none 2>&1); then
    echo accepted
  else
    tr -s '\n\r\t ' ' ' <<<"$words" | sed -E 's/sig=[^& ]+/sig=../g; s/ Code: .*//'
  fi
}

tell() { echo "$(date -u +%H:%M:%S)  $*"; }

# `await MINUTES what command ..`: waits until the command succeeds; returns 1 if it does not in that time.
await() {
  local until=$((SECONDS + $1 * 60)) what=$2
  shift 2
  tell "waiting: $what"
  until "$@"; do
    if [[ $dry_run ]]; then return 0; fi
    if ((SECONDS > until)); then tell "timed out waiting: $what"; return 1; fi
    sleep 15
  done
}
