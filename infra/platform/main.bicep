// Stillframe without its events: a resource group with the function app and its dependencies, and the
// app's permissions in each watched subscription. With a package URI it also deploys the package and
// subscribes to the events, so that one deployment does everything.

targetScope = 'subscription'

import { checkedName, namesOf } from '../modules/names.bicep'

@description('The name of this deployment: letters, digits and hyphens. Resources are named after it.')
@minLength(3)
@maxLength(32)
param name string = 'stillframe'

@description('The region of the app; the VMs may be in any region.')
param location string = deployment().location

@description('The resource group to create for the app.')
param resourceGroupName string = name

@description('Tags on every resource.')
param tags { *: string } = {}

@description('Additional tags on the resource group only, by which azd finds it.')
param groupTags { *: string } = {}

@description('Ids of the subscriptions to watch; none = this one. Whoever deploys needs permission to assign roles in each.')
param subscriptions string[] = []

@description('Ids of subscriptions and resource groups in which orders are carried out; the app has no permission to change VMs elsewhere. None = everywhere in the subscriptions.')
param captureScope string[] = []

@description('What the order `yes` means: managed-image, <gallery>/<definition> or an image definition\'s id; empty = `yes` is refused.')
param captureTarget string = ''

@description('Name or id of the resource group of galleries and managed images, the only place where the app may write images. It is yours: it must exist, and nothing here creates or deletes it.')
param imageResourceGroup string

@description('Ids of further resource groups with galleries that an order may name by the full id of an image definition.')
param moreImageResourceGroups string[] = []

@description('Ids of the resource groups, galleries and image definitions that an order may name besides captureTarget; none = all groups that images go to.')
param captureAllowedTargets string[] = []

@description('Whether an order may name a version above the date-based versions, which are then never latest again.')
param captureAnyVersion bool = false

@description('Whether images are protected from deletion, by a lock (CanNotDelete) on their resource group.')
param lockImages bool = false

@description('Whether gallery image versions may be created. This requires permission to write VMs, see SECURITY.md.')
param galleryCapture bool = true

@description('Whether managed images may be created.')
param managedImages bool = true

@description('What the OS disk must show before its VM is generalized.')
param proof 'required' | 'when-readable' | 'off' = 'required'

@description('Whether a Linux disk whose /etc/machine-id was not emptied is captured with a warning, or not generalized: all VMs created from the image share it.')
param proofMachineId 'warn' | 'required' = 'warn'

@description('Whether to also read disks that Azure serves to signed-in callers only (dataAccessAuthMode).')
param entraOnlyDisks bool = false

@description('Whether VMs may have disks encrypted with customer-managed keys; the app may then read disk encryption sets (inferred to be needed).')
param customerKeys bool = false

@description('Whether there is a resource group for temporary VMs in each watched subscription, the only place where the app creates VMs and deletes.')
param workshop bool = false

@description('The regions of the VMs whose images are booted; none = the app\'s. With workshop.')
param workshopRegions string[] = []

@description('Whether to create the resource groups of the workshops; otherwise they must exist.')
param makeGroups bool = true

@description('Which images are booted, in the workshop, before they become latest: off, when-asked by a tag, always.')
param bootTest 'off' | 'when-asked' | 'always' = 'off'

@description('Whether a copy of a VM is captured, in the workshop, and the VM itself left as it is: off, when-asked by a tag, always.')
param keepSource 'off' | 'when-asked' | 'always' = 'off'

@description('Whether VMs themselves are captured. If not, only copies are, and the app may not deallocate, generalize or write any VM outside its workshop.')
param captureInPlace bool = true

@description('Whether a tag of a VM may have it deleted, with its disks and interfaces, once it is captured (stillframe-after: delete); the app may then delete VMs in the capture scope.')
param captureDisposes bool = false

@description('What to do about a VM that is stopped but still billed.')
param costGuardAction 'flag' | 'deallocate' = 'flag'

@description('How long a VM may be stopped but billed before it is reported, an ISO 8601 duration.')
param costGuardGrace string = 'PT1H'

@description('How long a VM may be stopped but billed before it is deallocated, an ISO 8601 duration; required with deallocate.')
param costGuardDeallocateAfter string = ''

@description('Whether a tag of a VM or its resource group may have it deallocated as soon as it is stopped (stillframe-cost-guard: deallocate); the app may then deallocate every VM in the watched subscriptions.')
param offMeansOff bool = false

@description('How often a VM that is stopped but billed is reported: daily, weekly, or once.')
param costGuardTell 'daily' | 'weekly' | 'once' = 'daily'

@description('What list prices are multiplied by, for example 0.82 for a discount of 18 percent.')
param costGuardPriceFactor string = '1'

@description('The currency of list prices.')
@minLength(3)
@maxLength(3)
param costGuardCurrency string = 'USD'

@description('The price list; empty = no prices are reported.')
param pricesEndpoint string = 'https://prices.azure.com/api/retail/prices'

@description('When the sweep runs, NCRONTAB with six fields.')
param sweepSchedule string = '0 */5 * * * *'

@description('Whether nothing is written to Azure, not even tags: what would be done is logged.')
param dryRun bool = false

@description('How many instances of the app may run at once.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Number of always ready instances, so that no event waits for a cold start; each is billed.')
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

@description('Id of a Log Analytics workspace of yours for the logs; empty = a workspace is created.')
param logWorkspace string = ''

@description('The e-mail address that alerts are sent to; without one, and without an action group, there are no alerts.')
param alertEmail string = ''

@description('Ids of action groups of yours that alerts are sent to.')
param actionGroups string[] = []

@description('Whether to also send an alert for every captured image.')
param alertWhenCaptured bool = false

@description('How long three sweeps take: if there is no sweep for this long, the no-heartbeat alert is sent. Change it together with sweepSchedule.')
@allowed(['PT15M', 'PT30M', 'PT45M', 'PT1H', 'PT2H', 'PT3H', 'PT4H', 'PT5H', 'PT6H', 'P1D', 'P2D'])
param heartbeatWithin string = 'PT15M'

@description('For how many days undelivered events are kept.')
@minValue(1)
param deadLetterDays int = 30

@description('Whether undelivered events are kept. Only with a packageUri; otherwise set it for the events layer.')
param deadLetters bool = true

@description('Whether undelivered events of existing topics are kept too; each topic needs its own identity. Only with a packageUri.')
param deadLettersOfExistingTopics bool = false

@description('Whether storage and the outcome topic are reachable from the internet, protected by identity only, or from your network only.')
param networking 'public' | 'private' = 'public'

@description('Id of the subnet for the app\'s outbound traffic, delegated to Microsoft.App/environments. With private networking; with public it may be set too.')
param appSubnet string = ''

@description('Id of the subnet of the private endpoints. With private networking.')
param endpointSubnet string = ''

@description('Id of the private DNS zone of blobs (privatelink.blob..); empty = the endpoint is registered otherwise, for example by a policy.')
param blobDnsZone string = ''

@description('Id of the private DNS zone of topics (privatelink.eventgrid..); empty = likewise.')
param topicDnsZone string = ''

@description('Whether the storage account and the app\'s plan are zone redundant, over three zones of the region.')
param zoneRedundant bool = false

@description('URL of the app\'s package, without a key in it; empty = the app is deployed afterwards, then the events layer.')
param packageUri string = ''

@description('Whether a deployment script waits, between package and events, until the app is running. It creates a container and a storage account with a key, for minutes; without it the events may fail and need another deployment. Only with a packageUri.')
param waitForApp bool = true

@description('Ids of existing system topics of the subscriptions; Azure allows one each. Only with a packageUri.')
param subscriptionTopics string[] = []

@description('Ids of existing health-resources topics of the subscriptions. Only with a packageUri.')
param healthTopics string[] = []

// With a slash at the end, so that no scope is a prefix of a scope that it does not contain.
func scopeOf(id string) string => '/subscriptions/${toLower(id)}/'

// The parameters have simple types, because the portal's form supports no others.
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
      : fail('captureScope: ${one} is not an id (/subscriptions/..)')
)
var imageGroups = union(
  [toLower(imageGroup)],
  map(
    moreImageResourceGroups,
    id =>
      startsWith(id, '/')
        ? toLower(id)
        : fail('moreImageResourceGroups: ${id} is not the id of a resource group (/subscriptions/..)')
  )
)
var subnets = networking == 'private' && (empty(appSubnet) || empty(endpointSubnet))
  ? fail('networking=private requires appSubnet and endpointSubnet')
  : { app: appSubnet, endpoints: endpointSubnet }

var keeps = keepSource != 'off' && !workshop ? fail('keepSource requires workshop=true') : keepSource
var inPlace = !captureInPlace && keepSource == 'off' ? fail('captureInPlace=false requires keepSource') : captureInPlace
var tests = bootTest != 'off' && !workshop ? fail('bootTest requires workshop=true') : bootTest

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
      inPlace: inPlace
      keep: keeps != 'off'
      disposes: captureDisposes
      galleryCapture: galleryCapture
      proof: proof != 'off'
      entraOnlyDisks: entraOnlyDisks
      customerKeys: customerKeys
      guardDeallocates: offMeansOff || costGuardAction == 'deallocate'
    }
  }
]

module workshops '../modules/workshop.bicep' = [
  for id in watched: if (workshop) {
    scope: subscription(id)
    params: {
      name: name
      platform: groupId
      principalId: identities.outputs.appPrincipalId
      workshop: names.workshop
      location: location
      regions: empty(workshopRegions) ? [location] : workshopRegions
      makeGroup: makeGroups
      keep: keeps != 'off'
      proof: proof != 'off'
      tags: tags
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
      workshop: workshop ? names.workshop : ''
      bootTest: tests
      keepSource: keeps
      captureInPlace: inPlace
      captureDisposes: captureDisposes
      costGuardAction: costGuardAction
      costGuardGrace: costGuardGrace
      costGuardDeallocateAfter: costGuardDeallocateAfter
      offMeansOff: offMeansOff
      costGuardTell: costGuardTell
      costGuardPriceFactor: costGuardPriceFactor
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
    workshop: workshop
  }
  dependsOn: [operations, package, wait]
}

// Only one output: in a snapshot the order of several changes from run to run.
@description('The resource group: where azd looks for the app, and the events layer for the platform.')
output AZURE_RESOURCE_GROUP string = group.name
