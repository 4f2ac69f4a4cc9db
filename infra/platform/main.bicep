// Stillframe without its events: a resource group with the function app and all that it needs, and
// the app's rights in each watched subscription. Given a package as well, it deploys that and
// subscribes to the events, so that one deployment does everything.

targetScope = 'subscription'

import { CostGuardAction, Proof } from '../modules/settings.bicep'
import { namesOf, Tags } from '../modules/names.bicep'

@description('The name of this deployment: letters, digits and hyphens. Resources are named after it.')
@minLength(3)
@maxLength(20)
param name string = 'stillframe'

@description('The region of the app; the VMs may be in any.')
param location string = deployment().location

@description('The resource group to make for it.')
param resourceGroupName string = name

@description('Tags on every resource.')
param tags Tags = {}

@description('Ids of the subscriptions to watch. Whoever deploys must be allowed to grant rights in each.')
@minLength(1)
param subscriptions string[] = [subscription().subscriptionId]

@description('Ids of subscriptions and resource groups in which orders count, and in which alone the app may touch VMs; none = everywhere in the subscriptions.')
param captureScope string[] = []

@description('What the order `yes` means: managed-image, <gallery>/<definition> or an image definition\'s id; empty = `yes` is refused, saying so.')
param captureTarget string = ''

@description('Id of the resource group of galleries and managed images, in which alone the app may write images; empty = a group <name>-images is made.')
param imageResourceGroup string = ''

@description('Ids of further resource groups with galleries that an order may name by the full id of an image definition.')
param moreImageResourceGroups string[] = []

@description('Whether gallery versions may be made. It wants the right to write VMs, see SECURITY.md.')
param galleryCapture bool = true

@description('Whether managed images may be made.')
param managedImages bool = true

@description('How much the OS disk must say before its VM is generalized.')
param proof Proof = 'required'

@description('Whether to read disks too that Azure serves to signed-in callers only (dataAccessAuthMode).')
param entraOnlyDisks bool = false

@description('Whether VMs may have disks encrypted with customers\' keys; the app may then read disk encryption sets (inferred to be needed).')
param customerKeys bool = false

@description('What is done about a VM that is stopped but still billed.')
param costGuardAction CostGuardAction = 'flag'

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

@description('Memory of an instance, MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('For how many days logs are kept.')
@minValue(30)
@maxValue(730)
param logDays int = 30

@description('The e-mail address that alerts are sent to; empty = there are no alerts.')
param alertEmail string = ''

@description('Whether every image that is captured is told there as well.')
param alertWhenCaptured bool = false

@description('How long three sweeps take: without one for so long, it is told that there is no heartbeat. To be changed with sweepSchedule.')
@allowed(['PT15M', 'PT30M', 'PT45M', 'PT1H', 'PT2H', 'PT3H', 'PT4H', 'PT5H', 'PT6H', 'P1D', 'P2D'])
param heartbeatWithin string = 'PT15M'

@description('For how many days undelivered events are kept.')
@minValue(1)
param deadLetterDays int = 30

@description('Address of the app\'s package, with no key in it; empty = the app is deployed afterwards, then the events layer.')
param packageUri string = ''

@description('Ids of the system topics that subscriptions have already; Azure allows one each. With a packageUri only.')
param subscriptionTopics string[] = []

@description('Ids of the health-resources topics that subscriptions have already. With a packageUri only.')
param healthTopics string[] = []

// With a slash at the end, so that no scope begins like another that it does not lie in.
func scopeOf(id string) string => '/subscriptions/${toLower(id)}/'

var groupId = '${subscription().id}/resourceGroups/${resourceGroupName}'
var names = namesOf(name, groupId)
var identityId = '${groupId}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${names.appIdentity}'
var ownImageGroup = '${subscription().id}/resourceGroups/${name}-images'
var imageGroup = empty(imageResourceGroup) ? ownImageGroup : imageResourceGroup
var scopes = map(captureScope, one => toLower(endsWith(one, '/') ? one : '${one}/'))
var imageGroups = concat([imageGroup], moreImageResourceGroups)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: resourceGroupName
  location: location
  tags: tags
}

resource images 'Microsoft.Resources/resourceGroups@2025-04-01' = if (empty(imageResourceGroup)) {
  name: '${name}-images'
  location: location
  tags: tags
}

module identities '../modules/identities.bicep' = {
  scope: group
  params: { names: names, location: location, tags: tags }
}

module storage '../modules/storage.bicep' = {
  scope: group
  params: { names: names, location: location, tags: tags, deadLetterDays: deadLetterDays }
  dependsOn: [identities]
}

module telemetry '../modules/telemetry.bicep' = {
  scope: group
  params: { names: names, location: location, tags: tags, logDays: logDays }
  dependsOn: [identities]
}

module outcomes '../modules/outcomes.bicep' = {
  scope: group
  params: { names: names, location: location, tags: tags }
  dependsOn: [identities]
}

module rights '../modules/rights.bicep' = [
  for id in subscriptions: {
    scope: subscription(id)
    params: {
      name: name
      identityId: identityId
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
    dependsOn: [identities]
  }
]

module imageRights '../modules/images.bicep' = [
  for id in imageGroups: {
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      name: name
      identityId: identityId
      galleryCapture: galleryCapture
      managedImages: managedImages && id == imageGroup
    }
    dependsOn: [identities, images]
  }
]

module app '../modules/app.bicep' = {
  scope: group
  params: {
    names: names
    location: location
    tags: tags
    maximumInstanceCount: maximumInstanceCount
    instanceMemoryMB: instanceMemoryMB
    settings: {
      subscriptions: subscriptions
      captureScope: captureScope
      captureTarget: captureTarget
      imageResourceGroup: imageGroup
      proof: proof
      costGuardAction: costGuardAction
      costGuardGrace: costGuardGrace
      costGuardDeallocateAfter: costGuardDeallocateAfter
      costGuardCurrency: costGuardCurrency
      pricesEndpoint: pricesEndpoint
      sweepSchedule: sweepSchedule
      dryRun: dryRun
    }
  }
  dependsOn: [storage, telemetry, outcomes]
}

module operations '../modules/operations.bicep' = {
  scope: group
  params: {
    name: name
    names: names
    location: location
    tags: tags
    alertEmail: alertEmail
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

module events '../events/main.bicep' = if (!empty(packageUri)) {
  params: {
    name: name
    platform: groupId
    subscriptions: subscriptions
    location: location
    tags: tags
    subscriptionTopics: subscriptionTopics
    healthTopics: healthTopics
    alerts: !empty(alertEmail)
  }
  dependsOn: [operations, package]
}

// One only: a snapshot has several in an order that changes from run to run.
@description('Id of the resource group: what the events layer is told.')
output STILLFRAME_PLATFORM string = group.id
