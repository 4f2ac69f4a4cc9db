#!/usr/bin/env bash
# Tests a deployed Stillframe on a live subscription: creates a small Windows VM, orders its image, lets it
# run Sysprep, waits for the image, and on the way checks each point that docs/operations.md lists as
# still to be confirmed; the prerequisites of a deployment are checked before it deploys. Reports what was
# seen for each point; finally deletes what it created.
#
# Needs bash 4.4 or newer and az, signed in; to deploy also make and Python 3.13. Costs as much as a small VM
# for an hour or two.
set -euo pipefail

usage() {
  cat <<'END'
usage: infra/smoke.sh [options]

Tests a deployed Stillframe with a small Windows VM, and reports what was seen for each point that is
still to be confirmed. Exits with 0 if the image was created and every point was confirmed, else with 1.

  --subscription ID  where to test it; default: az's current subscription. The app must watch it
  --platform GROUP   the resource group that the app is deployed in; default: stillframe
  --deploy           deploy it first, and leave it there: platform, package, events
  --location REGION  of the VM, and of what is deployed; default: westeurope
  --target TARGET    what to order; default: managed-image. For <gallery>/<definition> the definition
                     must fit the VM
  --image URN        the VM's image; default: a Windows Server of generation 1, from which managed
                     images can always be created
  --size SIZE        default: Standard_B2s
  --keep             do not delete anything at the end
  --dry-run          only print the az commands, with placeholders for results in <angle brackets>
  --help             show this help
END
}

subscription='' platform=stillframe location=westeurope target=managed-image size=Standard_B2s
image=MicrosoftWindowsServer:WindowsServer:2022-datacenter-smalldisk:latest
deploy='' keep='' dry_run=''
while (($#)); do
  case $1 in
    --subscription | --platform | --location | --target | --image | --size)
      (($# > 1)) || { echo "smoke: $1 requires a value" >&2; exit 2; }
      printf -v "${1#--}" %s "$2"
      shift ;;
    --deploy) deploy=yes ;;
    --keep) keep=yes ;;
    --dry-run) dry_run=yes ;;
    --help) usage; exit ;;
    *) echo "smoke: unknown option $1 (see --help)" >&2; exit 2 ;;
  esac
  shift
done

cd "$(dirname "$0")/.."
name=smoke-$(date -u +%d%H%M%S) # a Windows VM's name has 15 characters at most
group=stillframe-$name vm=$name account=sf${name//-/} events=$name
here=$(mktemp -d)
touch "$here/events" "$here/points"
exec 3>&1

# shellcheck source=infra/smoke/az.sh
source infra/smoke/az.sh
# shellcheck source=infra/smoke/points.sh
source infra/smoke/points.sh
# shellcheck source=infra/smoke/deployment.sh
source infra/smoke/deployment.sh

# The subscription's system topic of a type: its name and resource group.
topic() {
  value "$1> <topic> <group" eventgrid system-topic list \
    --query "[?ends_with(source, '$subscription')].[topicType, name, resourceGroup]" |
    awk -v kind="$1" '{ gsub(/[<>]/, "", $1) } tolower($1) == kind { print $2, $3 }'
}

# Deliver a topic's events to our queue as well: `overhear "TOPIC GROUP" filters ..`.
overhear() {
  local topic of
  read -r topic of <<<"$1"
  heard+=("$1")
  run eventgrid system-topic event-subscription create --name "$events" --system-topic-name "$topic" \
    --resource-group "$of" --endpoint-type storagequeue --endpoint "$queue" "${@:2}" --output none
}

prepare() {
  of_subscription=$(topic microsoft.resources.subscriptions)
  of_health=$(topic microsoft.resourcenotifications.healthresources)
  if [[ ! $of_subscription || ! $of_health ]]; then
    echo "smoke: subscription $subscription lacks a system topic: is the events layer deployed?" >&2
    exit 1
  fi
  made=yes
  run group create --name "$group" --location "$location" --output none
  run storage account create --resource-group "$group" --name "$account" --sku Standard_LRS \
    --min-tls-version TLS1_2 --allow-blob-public-access false --output none
  local storage=/subscriptions/$subscription/resourceGroups/$group
  storage+=/providers/Microsoft.Storage/storageAccounts/$account
  run rest --method put --output none --body '{}' \
    --url "$storage/queueServices/default/queues/$events?api-version=2023-05-01"
  queue=$storage/queueservices/default/queues/$events
  overhear "$of_subscription" --advanced-filter data.operationName StringIn \
    Microsoft.Resources/tags/write
  overhear "$of_health" --included-event-types \
    Microsoft.ResourceNotifications.HealthResources.ResourceAnnotated
  # The password is not kept: the VM has no public IP address, and nobody signs in.
  echo "Aa1!$(head -c 18 /dev/urandom | base64 | tr -d '/+=')" >"$here/password"
  tell "creating the VM $vm in $group"
  run vm create --resource-group "$group" --name "$vm" --image "$image" --size "$size" \
    --admin-username smoke --admin-password "@$here/password" --public-ip-address '' --nsg-rule NONE \
    --os-disk-delete-option Delete --nic-delete-option Delete \
    --tags stillframe-cost-guard=ignore --output none
  disk=$(value disk vm show --resource-group "$group" --name "$vm" \
    --query storageProfile.osDisk.managedDisk.id)
  vm_id=$(value vm vm show --resource-group "$group" --name "$vm" --query id)
}

made='' heard=() deployed='' probing='' dead_letters=true
clean_up() {
  local status=$? one topic of
  tell_of_deployment
  if [[ ! $made ]]; then
    tell "nothing was created"
  elif [[ $keep ]]; then
    tell "kept: the group $group, the event subscriptions $events on ${heard[*]:-no topic}, the image"
  else
    tell "deleting what was created"
    close_disk || true
    if [[ $ordered ]]; then
      for one in $(value image resource list --tag "stillframe-source-vm=$vm" --query '[].id'); do
        run resource delete --ids "$one" || true
      done
    fi
    for one in "${heard[@]}"; do
      read -r topic of <<<"$one"
      run eventgrid system-topic event-subscription delete --yes --name "$events" \
        --system-topic-name "$topic" --resource-group "$of" || true
    done
    run group delete --yes --no-wait --name "$group" || true
  fi
  rm -rf "$here"
  exit "$status"
}

if [[ $dry_run ]]; then
  subscription=${subscription:-'<subscription>'}
else
  subscription=${subscription:-$(az account show --query id --output tsv)}
fi
trap clean_up EXIT
if [[ $deploy ]]; then
  try_before_deployment
  deploy_it
fi
prepare
try_a_start
try_while_busy
try_the_disk
try_a_copy
try_a_capture
look_at_events
untried
printf '\n%s\n' "$(<"$here/points")"
if ((unconfirmed)); then
  tell "not confirmed: $unconfirmed"
  exit 1
fi
