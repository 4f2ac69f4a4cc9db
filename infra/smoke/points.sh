# What infra/smoke.sh checks: each point, with the actions that trigger it. Sourced.
# shellcheck shell=bash disable=SC2034,SC2154 # infra/smoke.sh sets and reads the rest

unconfirmed=0

# `point TEXT SEEN yes|no`, with the text of docs/operations.md.
point() {
  if [[ $dry_run ]]; then
    echo "point      $1"
    return
  fi
  [[ $3 == yes ]] || unconfirmed=$((unconfirmed + 1))
  printf 'point      %s\nseen       %s\nconfirmed  %s\n\n' "$1" "${2:-nothing}" "$3" | tee -a "$here/points"
}

# `says TEXT REGEX`: yes if the text matches, else no; case-insensitive.
says() { if grep -qiE -- "$2" <<<"$1"; then echo yes; else echo no; fi; }
not() { if [[ $1 == yes ]]; then echo no; else echo yes; fi; }
both() { if [[ $1 == yes && $2 == yes ]]; then echo yes; else echo no; fi; }

# As in shared/: what the app treats as an operation in progress, by error code and by message, and storage's
# error codes that a retry does not change.
BUSY_CODES='AnotherOperationInProgress|Conflict|OperationPreempted|PropertyChangeNotAllowed|ResourceGroupBeingDeleted|RetryableError|TooManyRequests'
BUSY='another operation|in progress|is running|currently running|being (deleted|updated)|marked for deletion|shared access signature|try again|retry later'
FOR_GOOD='AuthorizationFailure|AuthorizationPermissionMismatch|InsufficientAccountPermissions|PublicAccessNotPermitted'
DISK_API=2026-03-02

power() { value PowerState vm get-instance-view --resource-group "$group" --name "$vm" \
  --query "instanceView.statuses[?starts_with(code, 'PowerState/')] | [0].code"; }
power_is() { [[ $(power) =~ ^PowerState/($1)$ ]]; }
# Also if a start came in between.
deallocated() {
  power_is deallocated && return
  attempt vm deallocate --resource-group "$group" --name "$vm" --no-wait >/dev/null
  return 1
}
tag() { value "$1" vm show --resource-group "$group" --name "$vm" --query "tags.\"$1\""; }
# After generalize the tags are on its OS disk.
disk_tag() { value "$1" disk show --ids "$disk" --query "tags.\"$1\""; }
word_is() { [[ $(disk_tag stillframe-status) =~ ^($1)$ ]] || tag_is stillframe-status 'refused|not-generalized'; }
tag_is() { [[ $(tag "$1") =~ ^($2)$ ]]; }
instant() { value LastOwnershipUpdateTime rest --method get --url "$disk?api-version=$DISK_API" \
  --query properties.LastOwnershipUpdateTime; }
open_disk() { value accessSAS disk grant-access --ids "$disk" --access-level Read \
  --duration-in-seconds 300 --query accessSAS; }
disk_is_open() { [[ $(value diskState rest --method get --url "$disk?api-version=$DISK_API" \
  --query properties.diskState) == @(ActiveSAS|'<diskState>') ]]; }
close_disk() {
  if [[ $disk_open ]]; then run disk revoke-access --ids "$disk" --output none; fi
  disk_open=''
}
# The first bytes of the opened disk, as the app reads them: by range, without a token.
read_disk() { attempt rest --method get --url "$1" --skip-authorization-header \
  --headers Range=bytes=0-511 x-ms-version=2023-11-03 --output-file "$here/bytes"; }

# Append the received events to a file, one per line.
drain() {
  local message
  value message storage message get --queue-name "$events" --account-name "$account" \
    --auth-mode key --num-messages 32 --visibility-timeout 86400 --query '[].content' |
    while read -r message; do
      case $message in
        '<'*) ;; # a dry run's
        '{'*) echo "$message" ;;
        *) base64 --decode <<<"$message" && echo ;;
      esac
    done >>"$here/events"
}
# `event REGEX`: the first event that matches and names our VM.
event() {
  drain
  { grep -i -- "$vm" "$here/events" || true; } >"$here/ours"
  grep -m1 -E -- "$1" "$here/ours" >"$here/event"
}
member() { sed -nE "s/.*\"$1\": ?\"([^\"]*)\".*/\1/p" "$here/event"; }

# A VM that is stopped but not deallocated, and started again.
try_a_start() {
  local before after
  run vm stop --resource-group "$group" --name "$vm" --output none
  before=$(instant)
  run vm start --resource-group "$group" --name "$vm" --output none
  after=$(instant)
  point 'whether starting a stopped VM changes LastOwnershipUpdateTime' "$before, then $after" \
    "$(says "$before $after" '^20[^ ]+ 20')"
}

# Writes to a VM while an operation is running on it.
try_while_busy() {
  run vm deallocate --resource-group "$group" --name "$vm" --no-wait
  local tagged second start during
  tagged=$(attempt tag update --resource-id "$vm_id" --operation Merge --tags smoke=tag)
  during=$(power)
  second=$(attempt vm update --resource-group "$group" --name "$vm" --set tags.smoke=write)
  start=$(attempt vm start --resource-group "$group" --name "$vm" --no-wait)
  point 'whether a tag can be written while an operation is running on the VM' "$tagged ($during)" \
    "$(says "$tagged $during" '^accepted PowerState/(deallocating|stopping)')"
  point "the wording of Azure's error that another operation is in progress" \
    "a write of the VM: $second; its start: $start" \
    "$(both "$(says "$second" "^accepted|\(($BUSY_CODES)\)|$BUSY")" \
      "$(says "$start" "\(($BUSY_CODES)\)|$BUSY")")"
}

# A disk that is opened, closed to networks, and closed.
disk_open=''
try_the_disk() {
  await 20 'the VM is deallocated' deallocated
  local before sas begun opened opening after bytes start fenced words closed
  before=$(instant) begun=$SECONDS
  disk_open=yes
  open_disk >"$here/sas" &
  opening=$!
  # az itself polls too rarely to measure how long it took.
  until disk_is_open || ! kill -0 $opening 2>/dev/null; do sleep 1; done
  opened=$((SECONDS - begun))
  wait $opening
  sas=$(<"$here/sas")
  after=$(instant)
  bytes=$(read_disk "$sas")
  start=$(attempt vm start --resource-group "$group" --name "$vm")
  fenced=$(attempt disk update --ids "$disk" --public-network-access Disabled)
  words=$(read_disk "$sas")
  run disk update --ids "$disk" --public-network-access Enabled --output none
  close_disk
  closed=$(read_disk "$sas")
  point 'whether disk access changes LastOwnershipUpdateTime, and how long opening takes' \
    "$before, then $after, then $(instant); opened in $opened s, read: $bytes" \
    "$(says "$bytes $opened" '^accepted 1?[0-9]$')"
  point 'the error codes by which storage reports that an access was revoked, and that it is closed to a network' \
    "closed: $closed; to networks (the change itself: $fenced): $words" \
    "$(both "$(not "$(says "$closed" "^accepted|<Code>($FOR_GOOD)<")")" \
      "$(says "$words" "<Code>($FOR_GOOD)<")")"
  point 'that an open disk keeps its VM from being started' "$start" \
    "$(says "$start" 'shared access signature')"
}

# A copy is captured first, which leaves the VM as it is.
try_a_copy() {
  local text='that Sysprep runs as the system, started by a managed run command, and that the agent of a VM on a copied disk reports'
  if [[ ! $dry_run && ! $deploy ]]; then
    point "$text" 'not tested: needs --deploy' no
    return
  fi
  run vm start --resource-group "$group" --name "$vm" --output none
  run tag update --resource-id "$vm_id" --operation Merge --tags "stillframe-capture=$target" \
    stillframe-keep=yes --output none
  await 90 'the image of a copy' tag_is stillframe-status 'captured|failed|refused|not-generalized' || true
  local status
  status=$(tag stillframe-status)
  point "$text" "$status: $(tag stillframe-image), $(tag stillframe-detail)" "$(says "$status" '^captured$')"
  run tag update --resource-id "$vm_id" --operation Delete --tags "stillframe-capture=$target" \
    stillframe-keep=yes --output none
  await 10 'the order is withdrawn' tag_is stillframe-status '' || true
}

# A complete capture: order, Sysprep, image.
image_came='that an image is created from a VM that ran Sysprep'
ordered='' shut_down=''
try_a_capture() {
  run vm start --resource-group "$group" --name "$vm" --output none
  local order=("stillframe-capture=$target")
  if [[ $deploy && $target == */* ]]; then order+=(stillframe-test=yes); fi
  run tag update --resource-id "$vm_id" --operation Merge --tags "${order[@]}" --output none
  ordered=yes
  await 15 'the order is answered' tag_is stillframe-status 'waiting|refused' || true
  local status
  status=$(tag stillframe-status)
  tell "stillframe-status: $status, $(tag stillframe-detail)"
  if [[ ! $dry_run && $status != waiting ]]; then
    point "$image_came" "$status: $(tag stillframe-detail)" no
    return
  fi
  # As a scheduled task: Run Command ends with the agent, and the agent ends with Sysprep.
  # shellcheck disable=SC2016 # PowerShell's variables
  run vm run-command invoke --resource-group "$group" --name "$vm" --output none \
    --command-id RunPowerShellScript --scripts \
    'schtasks /create /f /tn sysprep /sc once /st 00:00 /ru SYSTEM /tr "$env:windir\system32\sysprep\sysprep.exe /generalize /oobe /shutdown /mode:vm /quiet"' \
    'schtasks /run /tn sysprep'
  await 30 'the guest shuts down' power_is 'stopped|deallocating|deallocated' || true
  shut_down=yes
  await 120 'the image' word_is 'captured|failed|refused|not-generalized' || true
  status=$(disk_tag stillframe-status)
  point "$image_came" "$status: $(disk_tag stillframe-image), $(disk_tag stillframe-detail)" \
    "$(says "$status" '^captured$')"
  local frozen taken by
  by=$(disk_tag stillframe-by)
  point 'that the platform tells the app its name' "$by" "$(says "$by" '^[a-z0-9-]+$')"
  frozen=$(attempt tag update --resource-id "$vm_id" --operation Merge --tags smoke=frozen)
  taken=$(attempt tag update --resource-id "$disk" --operation Merge --tags smoke=taken)
  point 'that a VM marked generalized rejects tags, and its OS disk accepts them' "VM: $frozen; disk: $taken" \
    "$(both "$(says "$frozen" OperationNotAllowedOnGeneralizedVM)" "$(says "$taken" '^accepted$')")"
  look_at_the_version
  look_at_the_boot_test
}

# The workshop of an app that was deployed here is named after it.
look_at_the_boot_test() {
  local reports="that a VM in the workshop's network reports to Azure although its rules deny everything, that creating a VM with its disks requires disks/write, and that the list of a group's resources requires resourceGroups/resources/read"
  local counts='that a version counts for latest after a PUT of what a GET returned with excludeFromLatest false, and that disks and interface are deleted with their VM'
  local verdict excluded left
  if [[ ! $dry_run && (! $deploy || $target != */*) ]]; then
    point "$reports" 'not tested: needs --deploy and --target <gallery>/<definition>' no
    point "$counts" 'not tested: needs --deploy and --target <gallery>/<definition>' no
    return
  fi
  verdict=$(value boot resource list --tag "stillframe-source-vm=$vm" \
    --query "[0].tags.[\"stillframe-boot\", \"stillframe-boot-detail\"]")
  point "$reports" "$verdict" "$(says "$verdict" '^booted')"
  excluded=$(value excluded rest --method get --query properties.publishingProfile.excludeFromLatest \
    --url "$(value image resource list --tag "stillframe-source-vm=$vm" --query '[0].id')?api-version=2025-12-03")
  left=$(value left resource list --resource-group stillframe-workshop \
    --query "[?starts_with(name, 'boot-')].name")
  point "$counts" "excludeFromLatest: $excluded; left: ${left:-nothing}" \
    "$(both "$(says "$excluded" '^false$')" "$(not "$(says "$left" .)")")"
}

# Announced from api-version 2026-03-03 on: deletion protection, and an end-of-life date in six months.
look_at_the_version() {
  local free='that a gallery image version has no deletion protection and no end-of-life date' image life
  if [[ $target != */* ]]; then
    point "$free" "not tested: needs --target <gallery>/<definition>" no
    return
  fi
  image=$(value image resource list --tag "stillframe-source-vm=$vm" --query '[0].id')
  life=$(value life rest --method get --url "$image?api-version=2026-03-03" --query \
    'properties.[safetyProfile.blockDeletionBeforeEndOfLife, publishingProfile.endOfLifeDate]')
  point "$free" "${life:-neither}" "$(not "$(says "$life" 'true|[0-9]{4}-')")"
}

look_at_events() {
  local subject='' annotation='' topic of identity
  if await 15 'the event of the tags' event '"Microsoft.Resources/tags/write"'; then
    subject=$(member subject)
  fi
  if [[ $shut_down ]] && await 15 'the event of the shutdown' event VirtualMachineStoppedInternally; then
    annotation=$(member annotationName)
  fi
  point 'the subject of the events of Microsoft.Resources/tags/write' "$subject" \
    "$(says "$subject" "/providers/Microsoft.Compute/virtualMachines/$vm(/|$)")"
  point "that a guest's own shutdown is reported by VirtualMachineStoppedInternally" "$annotation" \
    "$(says "$annotation" '^VirtualMachineStoppedInternally$')"
  read -r topic of <<<"$of_subscription"
  identity=$(value identity eventgrid system-topic show --name "$topic" --resource-group "$of" \
    --query identity.type)
  point 'that the system topic of a subscription accepts an identity, with which dead letters are written' \
    "$identity" "$(says "$identity" SystemAssigned)"
}
