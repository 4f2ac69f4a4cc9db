# How infra/smoke.sh asks Azure: run, read, be refused, wait. Sourced; every word for az goes through here.
# shellcheck shell=bash disable=SC2034,SC2154 # infra/smoke.sh sets and reads the rest

# Run az; in a dry run print it.
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

# The same for an answer that is wanted: `value NAME command ..` is <NAME> in a dry run.
value() {
  run "${@:2}" --output tsv || return # a substitution would go on
  [[ ! $dry_run ]] || echo "<$1>"
}

# The same for what Azure may refuse: gives `accepted`, or its words in one line (az says them twice),
# no signature in them.
attempt() {
  local words
  if words=$(run "$@" --output none 2>&1); then
    echo accepted
  else
    tr -s '\n\r\t ' ' ' <<<"$words" | sed -E 's/sig=[^& ]+/sig=../g; s/ Code: .*//'
  fi
}

tell() { echo "$(date -u +%H:%M:%S)  $*"; }

# `await MINUTES what command ..`: until the command succeeds; 1 when it does not in that time.
await() {
  local until=$((SECONDS + $1 * 60)) what=$2
  shift 2
  tell "waiting: $what"
  until "$@"; do
    if [[ $dry_run ]]; then return 0; fi
    if ((SECONDS > until)); then tell "gave up waiting: $what"; return 1; fi
    sleep 15
  done
}
