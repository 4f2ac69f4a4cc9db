# The prerequisites of a deployment, checked before it; the deployment; and the checks after it. Sourced.
# shellcheck shell=bash disable=SC2034,SC2154 # infra/smoke.sh sets and reads the rest

SITES_API=2025-03-01
TOPICS_API=2025-02-15
probe=$name-probe

# Each resource type and api-version of both layers, one per line: `Microsoft.Web/sites 2025-03-01`.
asked_for() {
  sed -nE "s/^(resource|  resource) .*'(Microsoft\.[A-Za-z.]+\/[A-Za-z\/]+)@([0-9-]+)'.*/\2 \3/p" \
    infra/platform/main.bicep infra/events/main.bicep infra/modules/*.bicep | sort -u
}
unknown_versions() {
  local kind version known namespace
  while read -r kind version; do
    namespace=${kind%%/*}
    known=$(value apiVersions provider show --namespace "$namespace" --query \
      "resourceTypes[?resourceType=='${kind#*/}'].apiVersions | [0]")
    grep -qw -- "$version" <<<"$known" || echo "$kind@$version"
  done < <(asked_for)
}

try_before_deployment() {
  local offered missing
  offered=$(value runtimes functionapp list-flexconsumption-runtimes --location "$location" \
    --runtime python --query '[].version')
  point 'that the region offers Flex Consumption with Python 3.13' "$(tr '\n' ' ' <<<"$offered")" \
    "$(says "$offered" '(^|[^0-9.])3\.13')"
  missing=$(unknown_versions)
  point 'that this cloud has every api-version of the template' "unknown: ${missing:-none}" \
    "$(not "$(says "$missing" .)")"
  try_topic_identity
}

# A subscription has one topic of a type: if it has none yet, one is created with an identity and deleted.
try_topic_identity() {
  local text='that the system topic of a subscription accepts an identity, with which dead letters are written'
  local kind=microsoft.resourcenotifications.healthresources body url answer
  if [[ ! $dry_run && $(topic $kind) ]]; then
    point "$text" 'the subscription already has its topic: checked at the end' yes
    return
  fi
  probing=yes
  run group create --name "$probe" --location "$location" --output none
  body='"location": "global", "properties": {"source": "/subscriptions/'$subscription'", "topicType": "'$kind'"}'
  body+=', "identity": {"type": "SystemAssigned"}'
  url=/subscriptions/$subscription/resourceGroups/$probe/providers/Microsoft.EventGrid/systemTopics/$probe
  answer=$(attempt rest --method put --url "$url?api-version=$TOPICS_API" --body "{$body}")
  point "$text" "$answer" "$(says "$answer" '^accepted$')"
  if [[ ! $dry_run && $answer != accepted ]]; then
    tell 'its topics accept no identity: deploying with deadLetters=false'
    dead_letters=false
  fi
  # Delete it with its group, or the deployment would find the topic.
  run group delete --yes --name "$probe"
  probing=''
}

deploy_it() {
  tell "deploying into $platform; images go into $platform-images"
  deployed=yes
  run group create --name "$platform-images" --location "$location" --output none
  run deployment sub create --name "$name-platform" --location "$location" \
    --template-file infra/platform/main.bicep --output none --parameters \
    "resourceGroupName=$platform" "imageResourceGroup=$platform-images" workshop=true \
    bootTest=when-asked keepSource=when-asked
  [[ $dry_run ]] || make package
  # Without the flag az has a Python app on Flex Consumption rebuilt in Azure, with another Python's
  # packages, not compiled. `functionapp deploy` fails with 415 (azure-cli#33688).
  run functionapp deployment source config-zip --resource-group "$platform" --name "$(app)" \
    --src .package/app.zip --build-remote false --output none
  site=$(value site functionapp show --resource-group "$platform" --name "$(app)" --query id)
  try_the_host
  run deployment sub create --name "$name-events" --location "$location" \
    --template-file infra/events/main.bicep --output none --parameters "deadLetters=$dead_letters" \
    workshop=true \
    "platform=/subscriptions/$subscription/resourceGroups/$platform"
}
app() { value app functionapp list --resource-group "$platform" --query '[0].name'; }

# As infra/azd/functions.py does.
indexed() {
  [[ $(attempt rest --method get --url "$site/functions/look?api-version=$SITES_API") == accepted ]] && return
  attempt rest --method post --url "$site/host/default/sync?api-version=$SITES_API" >/dev/null
  return 1
}
runs() { [[ $(host_state) == @(Running|'<state>') ]]; }
host_state() { value state rest --method get --query 'properties.state || state' \
  --url "$site/host/default/properties/status?api-version=$SITES_API"; }
keyed() { [[ $(value key rest --method post --query "contains(keys(systemKeys), 'eventgrid_extension')" \
  --url "$site/host/default/listkeys?api-version=$SITES_API") == @(true|'<key>') ]]; }

# The app's host after a deployment: what it loaded, with which permissions, from which package.
try_the_host() {
  local begun=$SECONDS state policies built
  await 10 'the host indexes the function look' indexed || true
  await 10 'the host runs' runs || true
  await 10 "the host's Event Grid extension makes its key" keyed || true
  state="after $((SECONDS - begun)) s: host $(host_state), function look: $(attempt rest --method get \
    --url "$site/functions/look?api-version=$SITES_API")"
  point 'that the host loads the function look with the extension bundle, and Azure indexes it' "$state" \
    "$(says "$state" 'look: accepted$')"
  point 'that Storage Blob Data Owner is all that the host needs on its storage' "$state" \
    "$(says "$state" 'host Running')"
  built=$(value remoteBuild rest --method get --resource https://management.core.windows.net/ \
    --url "https://$(app).scm.azurewebsites.net/api/deployments/latest" --query 'to_string(remoteBuild)')
  point 'that a package is deployed unchanged with --build-remote false' "remoteBuild: $built" \
    "$(says "$built" '^(false|null)$')"
  policies=$(value allow rest --method get --query 'value[].properties.allow' \
    --url "$site/basicPublishingCredentialsPolicies?api-version=$SITES_API")
  point 'that the app accepts the policies that disable publishing passwords' \
    "$(tr '\n' ' ' <<<"$policies")" "$(not "$(says "$policies" true)")"
}

# Points that need more than a subscription and an hour.
untried() {
  point 'that a gallery image version of disks with customer-managed keys requires diskEncryptionSets/read' 'not tested: needs such a disk' no
  point 'that a restore point needs no right on its VM but virtualMachines/read, and a disk made from it diskRestorePoints/beginGetAccess/action' 'not tested: needs the identity of the app' no
  point 'that a guest with BitLocker and a virtual TPM starts on a copied disk' 'not tested: needs such a guest' no
  point 'that the deleteOption of disks and interfaces can be changed on a generalized VM' 'not tested: deploys without captureDisposes' no
  point 'after which time Azure reports that a Windows VM was not provisioned' 'not tested: needs such an image' no
  point 'that a metric alert accepts an action group of another subscription' 'not tested: needs such an action group' no
  point 'that a packageUri to a GitHub release is followed to its file' 'not tested: needs a release' no
  point "that the portal's form accepts main.json" 'not tested: needs a browser' no
  point "that the address in an alert's text opens the workbook" 'not tested: needs a browser' no
  point 'in which format Azure gives screenshots' 'not tested: needs the identity of the app' no
  point "that Resource Graph shows the status of VMs to the app's role" 'not tested: needs the identity of the app' no
  point 'whether Azure bills the Windows licence of a VM that is stopped but not deallocated' 'not tested: needs a bill' no
  point 'that a guest that has hibernated itself shows as stopped' 'not tested: needs such a guest' no
  point 'that with private networking the app can be deployed to, runs and receives events' 'not tested: needs a network' no
}

tell_of_deployment() {
  if [[ $probing ]]; then run group delete --yes --no-wait --name "$probe" || true; fi
  [[ $deployed ]] || return 0
  tell "deployed, and left there: the groups $platform and $platform-images, stillframe-workshop, four roles named 'Stillframe ..'"
  tell "to remove it: az group delete --name $platform; the same for stillframe-workshop; for the roles see infra/README.md, Remove"
}
