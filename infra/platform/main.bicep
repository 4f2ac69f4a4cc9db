// Stillframe without its events: a resource group with the function app and all that it needs, and
// the app's rights in each watched subscription. Given a package as well, it deploys that and
// subscribes to the events, so that one deployment does everything.

targetScope = 'subscription'

import { checkedName, namesOf } from '../modules/names.bicep'

@description('The name of this deployment: letters, digits and hyphens. Resources are named after it.')
@minLength(3)
@maxLength(32)
param name string = 'stillframe'

@description('The region of the app; the VMs may be in any.')
param location string = deployment().location

@description('The resource group to make for it.')
param resourceGroupName string = name

@description('Tags on every resource.')
param tags { *: string } = {}

@description('Tags on the resource group alone, beside those; how azd finds it.')
param groupTags { *: string } = {}

@description('Ids of the subscriptions to watch; none = this one. Whoever deploys must be allowed to grant rights in each.')
param subscriptions string[] = []

@description('Ids of subscriptions and resource groups in which orders count, and in which alone the app may touch VMs; none = everywhere in the subscriptions.')
param captureScope string[] = []

@description('What the order `yes` means: managed-image, <gallery>/<definition> or an image definition\'s id; empty = `yes` is refused, saying so.')
param captureTarget string = ''

@description('The resource group of galleries and managed images, by its name or id, in which alone the app may write images. It is yours: it must be there, and nothing here makes or deletes it.')
param imageResourceGroup string

@description('Ids of further resource groups with galleries that an order may name by the full id of an image definition.')
param moreImageResourceGroups string[] = []

@description('Ids of the resource groups, galleries and image definitions that an order may name beside captureTarget; none = all groups that images go to.')
param captureAllowedTargets string[] = []

@description('Whether an order may name a version above those named by date, after which none of these is latest.')
param captureAnyVersion bool = false

@description('Whether images are protected from deletion, by a lock (CanNotDelete) on their resource group.')
param lockImages bool = false

@description('Whether gallery versions may be made. It wants the right to write VMs, see SECURITY.md.')
param galleryCapture bool = true

@description('Whether managed images may be made.')
param managedImages bool = true

@description('How much the OS disk must say before its VM is generalized.')
param proof 'required' | 'when-readable' | 'off' = 'required'

@description('Whether a Linux disk whose /etc/machine-id was not emptied is captured with a warning, or not generalized: every machine made from it has the same one.')
param proofMachineId 'warn' | 'required' = 'warn'

@description('Whether to read disks too that Azure serves to signed-in callers only (dataAccessAuthMode).')
param entraOnlyDisks bool = false

@description('Whether VMs may have disks encrypted with customers\' keys; the app may then read disk encryption sets (inferred to be needed).')
param customerKeys bool = false

@description('What is done about a VM that is stopped but still billed.')
param costGuardAction 'flag' | 'deallocate' = 'flag'

@description('How long it may be so before anybody is told, an ISO 8601 duration.')
param costGuardGrace string = 'PT1H'

@description('How long it may be so before it is deallocated, an ISO 8601 duration; needed with deallocate.')
param costGuardDeallocateAfter string = ''

@description('The currency of list prices.')
@minLength(3)
@maxLength(3)
param costGuardCurrency string = 'USD'

@description('The list of prices; empty = no money is told.')
param pricesEndpoint string = 'https://prices.azure.com/api/retail/prices'

@description('When the sweep runs, NCRONTAB with six fields.')
param sweepSchedule string = '0 */5 * * * *'

@description('Whether nothing is to be written to Azure, tags included: what would be done is logged.')
param dryRun bool = false

@description('How many instances of the app may run at once.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('How many instances are always there, so that no event waits for a cold start; each is billed.')
@minValue(0)
@maxValue(20)
param alwaysReady int = 0

@description('Memory of an instance, MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('For how many days logs are kept.')
@minValue(30)
@maxValue(730)
param logDays int = 30

@description('Id of a Log Analytics workspace of yours to keep the logs in; empty = one is made.')
param logWorkspace string = ''

@description('The e-mail address that alerts are sent to; without one, and without an action group, there are no alerts.')
param alertEmail string = ''

@description('Ids of action groups of yours that alerts are sent to.')
param actionGroups string[] = []

@description('Whether every image that is captured is told there as well.')
param alertWhenCaptured bool = false

@description('How long three sweeps take: without one for so long, it is told that there is no heartbeat. To be changed with sweepSchedule.')
@allowed(['PT15M', 'PT30M', 'PT45M', 'PT1H', 'PT2H', 'PT3H', 'PT4H', 'PT5H', 'PT6H', 'P1D', 'P2D'])
param heartbeatWithin string = 'PT15M'

@description('For how many days undelivered events are kept.')
@minValue(1)
param deadLetterDays int = 30

@description('Whether undelivered events are kept. With a packageUri only; else it is said to the events layer.')
param deadLetters bool = true

@description('Whether undelivered events of topics that were there already are kept too; each must have an identity of its own. With a packageUri only.')
param deadLettersOfExistingTopics bool = false

@description('Whether storage and the outcome topic are reachable from the internet, closed by identity alone, or from your network only.')
param networking 'public' | 'private' = 'public'

@description('Id of the subnet that the app sends through, delegated to Microsoft.App/environments. With private networking; with public it may be set too.')
param appSubnet string = ''

@description('Id of the subnet of the private endpoints. With private networking.')
param endpointSubnet string = ''

@description('Id of the private DNS zone of blobs (privatelink.blob..); empty = the endpoint is registered otherwise, by a policy say.')
param blobDnsZone string = ''

@description('Id of the private DNS zone of topics (privatelink.eventgrid..); empty = likewise.')
param topicDnsZone string = ''

@description('Whether the storage account keeps its copies in three zones of the region, and the plan its instances.')
param zoneRedundant bool = false

@description('Address of the app\'s package, with no key in it; empty = the app is deployed afterwards, then the events layer.')
param packageUri string = ''

@description('Whether a deployment script waits, between package and events, until the app is up. It makes a container and a storage account with a key, for minutes; without it the events may fail and want another deployment. With a packageUri only.')
param waitForApp bool = true

@description('Ids of the system topics that subscriptions have already; Azure allows one each. With a packageUri only.')
param subscriptionTopics string[] = []

@description('Ids of the health-resources topics that subscriptions have already. With a packageUri only.')
param healthTopics string[] = []

// With a slash at the end, so that no scope begins like another that it does not lie in.
func scopeOf(id string) string => '/subscriptions/${toLower(id)}/'

// The types of the parameters are plain ones: the portal's form knows no others.
var watched = empty(subscriptions) ? [subscription().subscriptionId] : subscriptions
var groupId = '${subscription().id}/resourceGroups/${resourceGroupName}'
var names = namesOf(checkedName(name), groupId)
var imageGroup = startsWith(imageResourceGroup, '/')
  ? '/${join(filter(split(imageResourceGroup, '/'), part => !empty(part)), '/')}'
  : '${subscription().id}/resourceGroups/${imageResourceGroup}'
var scopes = map(
  captureScope,
  one =>
    startsWith(one, '/')
      ? toLower(endsWith(one, '/') ? one : '${one}/')
      : fail('captureScope: ${one} is no id (/subscriptions/..)')
)
var imageGroups = union(
  [toLower(imageGroup)],
  map(
    moreImageResourceGroups,
    id =>
      startsWith(id, '/')
        ? toLower(id)
        : fail('moreImageResourceGroups: ${id} is no id of a resource group (/subscriptions/..)')
  )
)
var subnets = networking == 'private' && (empty(appSubnet) || empty(endpointSubnet))
  ? fail('networking=private wants appSubnet and endpointSubnet')
  : { app: appSubnet, endpoints: endpointSubnet }

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: resourceGroupName
  location: location
  tags: union(tags, groupTags)
}

module identities '../modules/identities.bicep' = {
  scope: group
  params: { names: names, location: location, tags: tags }
}

module storage '../modules/storage.bicep' = {
  scope: group
  params: {
    names: names
    location: location
    tags: tags
    appPrincipalId: identities.outputs.appPrincipalId
    deadLetterDays: deadLetterDays
    networking: networking
    zoneRedundant: zoneRedundant
  }
}

module telemetry '../modules/telemetry.bicep' = {
  scope: group
  params: {
    names: names
    location: location
    tags: tags
    appPrincipalId: identities.outputs.appPrincipalId
    logDays: logDays
    logWorkspace: logWorkspace
  }
}

module outcomes '../modules/outcomes.bicep' = {
  scope: group
  params: {
    names: names
    location: location
    tags: tags
    appPrincipalId: identities.outputs.appPrincipalId
    networking: networking
  }
}

module network '../modules/network.bicep' = if (networking == 'private') {
  scope: group
  params: {
    names: names
    location: location
    tags: tags
    subnet: subnets.endpoints
    blobZone: blobDnsZone
    topicZone: topicDnsZone
  }
  dependsOn: [storage, outcomes]
}

module rights '../modules/rights.bicep' = [
  for id in watched: {
    scope: subscription(id)
    params: {
      name: name
      platform: groupId
      principalId: identities.outputs.appPrincipalId
      capture: empty(scopes) || !empty(filter(scopes, one => startsWith(one, scopeOf(id))))
      captureGroups: contains(scopes, scopeOf(id))
        ? []
        : map(filter(scopes, one => startsWith(one, scopeOf(id))), one => split(one, '/')[4])
      galleryCapture: galleryCapture
      proof: proof != 'off'
      entraOnlyDisks: entraOnlyDisks
      customerKeys: customerKeys
      guardDeallocates: costGuardAction == 'deallocate'
    }
  }
]

module imageRights '../modules/images.bicep' = [
  for id in imageGroups: {
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      name: name
      platform: groupId
      principalId: identities.outputs.appPrincipalId
      galleryCapture: galleryCapture
      managedImages: managedImages && id == toLower(imageGroup)
      lock: lockImages && id == toLower(imageGroup)
    }
  }
]

module app '../modules/app.bicep' = {
  scope: group
  params: {
    names: names
    location: location
    tags: tags
    maximumInstanceCount: maximumInstanceCount
    alwaysReady: alwaysReady
    zoneRedundant: zoneRedundant
    subnet: subnets.app
    instanceMemoryMB: instanceMemoryMB
    settings: {
      subscriptions: watched
      captureScope: captureScope
      captureTarget: captureTarget
      captureAllowedTargets: empty(captureAllowedTargets) ? imageGroups : captureAllowedTargets
      captureAnyVersion: captureAnyVersion
      imageResourceGroup: imageGroup
      proof: proof
      proofMachineId: proofMachineId
      costGuardAction: costGuardAction
      costGuardGrace: costGuardGrace
      costGuardDeallocateAfter: costGuardDeallocateAfter
      costGuardCurrency: costGuardCurrency
      pricesEndpoint: pricesEndpoint
      sweepSchedule: sweepSchedule
      dryRun: dryRun
    }
  }
  dependsOn: [storage, telemetry, outcomes, network]
}

module operations '../modules/operations.bicep' = {
  scope: group
  params: {
    name: name
    names: names
    location: location
    tags: tags
    alertEmail: alertEmail
    actionGroups: actionGroups
    alertWhenCaptured: alertWhenCaptured
    heartbeatWithin: heartbeatWithin
  }
  dependsOn: [telemetry]
}

module package '../modules/package.bicep' = if (!empty(packageUri)) {
  scope: group
  params: { names: names, packageUri: packageUri }
  dependsOn: [app]
}

module wait '../modules/wait.bicep' = if (!empty(packageUri) && waitForApp) {
  scope: group
  params: { name: name, names: names, location: location, tags: tags, function: 'look' }
  dependsOn: [package]
}

module events '../events/main.bicep' = if (!empty(packageUri)) {
  params: {
    name: name
    platform: groupId
    subscriptions: watched
    location: location
    tags: tags
    subscriptionTopics: subscriptionTopics
    healthTopics: healthTopics
    deadLetters: deadLetters
    deadLettersOfExistingTopics: deadLettersOfExistingTopics
    alerts: !empty(alertEmail)
    actionGroups: actionGroups
  }
  dependsOn: [operations, package, wait]
}

// One only: a snapshot has several in an order that changes from run to run.
@description('The resource group: where azd looks for the app, and the events layer for the platform.')
output AZURE_RESOURCE_GROUP string = group.name
