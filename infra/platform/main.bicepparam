// The platform layer's parameters for azd: `azd env set NAME VALUE` before `azd up`. infra/README.md
// has them in one table. Parameters with a few allowed values are `any` here: Azure reports an invalid value
// before it creates anything.
using 'main.bicep'

import { listOf, textOr } from '../modules/azd.bicep'

var environment = readEnvironmentVariable('AZURE_ENV_NAME')
var home = readEnvironmentVariable('AZURE_SUBSCRIPTION_ID')
var deploymentName = textOr(readEnvironmentVariable('STILLFRAME_NAME', ''), environment)

param name = deploymentName
param location = readEnvironmentVariable('AZURE_LOCATION')
param resourceGroupName = textOr(readEnvironmentVariable('STILLFRAME_RESOURCE_GROUP', ''), deploymentName)
param tags = json(textOr(readEnvironmentVariable('STILLFRAME_TAGS', ''), '{}'))
param groupTags = { 'azd-env-name': environment }
param subscriptions = listOf(textOr(readEnvironmentVariable('STILLFRAME_SUBSCRIPTIONS', ''), home))
param captureScope = listOf(readEnvironmentVariable('STILLFRAME_CAPTURE_SCOPE', ''))
param captureTarget = trim(readEnvironmentVariable('STILLFRAME_CAPTURE_TARGET', ''))
// A hook sets it if nobody has.
param imageResourceGroup = trim(readEnvironmentVariable('STILLFRAME_IMAGE_RESOURCE_GROUP', ''))
param moreImageResourceGroups = listOf(readEnvironmentVariable('STILLFRAME_MORE_IMAGE_RESOURCE_GROUPS', ''))
param captureAllowedTargets = listOf(readEnvironmentVariable('STILLFRAME_CAPTURE_ALLOWED_TARGETS', ''))
param captureAnyVersion = bool(textOr(readEnvironmentVariable('STILLFRAME_CAPTURE_ANY_VERSION', ''), 'false'))
param lockImages = bool(textOr(readEnvironmentVariable('STILLFRAME_LOCK_IMAGES', ''), 'false'))
param galleryCapture = bool(textOr(readEnvironmentVariable('STILLFRAME_GALLERY_CAPTURE', ''), 'true'))
param managedImages = bool(textOr(readEnvironmentVariable('STILLFRAME_MANAGED_IMAGES', ''), 'true'))
param proof = any(textOr(readEnvironmentVariable('STILLFRAME_PROOF', ''), 'required'))
param proofMachineId = any(textOr(readEnvironmentVariable('STILLFRAME_PROOF_MACHINE_ID', ''), 'warn'))
param entraOnlyDisks = bool(textOr(readEnvironmentVariable('STILLFRAME_ENTRA_ONLY_DISKS', ''), 'false'))
param customerKeys = bool(textOr(readEnvironmentVariable('STILLFRAME_CUSTOMER_KEYS', ''), 'false'))
param workshop = bool(textOr(readEnvironmentVariable('STILLFRAME_WORKSHOP', ''), 'false'))
param workshopRegions = listOf(readEnvironmentVariable('STILLFRAME_WORKSHOP_REGIONS', ''))
// A hook creates them (infra/azd/workshops.py): azd would mistake a group in another subscription for one in the
// home subscription.
param makeGroups = false
param bootTest = any(textOr(readEnvironmentVariable('STILLFRAME_BOOT_TEST', ''), 'off'))
param keepSource = any(textOr(readEnvironmentVariable('STILLFRAME_KEEP_SOURCE', ''), 'off'))
param captureInPlace = bool(textOr(readEnvironmentVariable('STILLFRAME_CAPTURE_IN_PLACE', ''), 'true'))
param captureDisposes = bool(textOr(readEnvironmentVariable('STILLFRAME_CAPTURE_DISPOSES', ''), 'false'))
param costGuardAction = any(textOr(readEnvironmentVariable('STILLFRAME_COST_GUARD_ACTION', ''), 'flag'))
param costGuardGrace = textOr(readEnvironmentVariable('STILLFRAME_COST_GUARD_GRACE', ''), 'PT1H')
param costGuardDeallocateAfter = trim(readEnvironmentVariable('STILLFRAME_COST_GUARD_DEALLOCATE_AFTER', ''))
param offMeansOff = bool(textOr(readEnvironmentVariable('STILLFRAME_OFF_MEANS_OFF', ''), 'false'))
param costGuardTell = any(textOr(readEnvironmentVariable('STILLFRAME_COST_GUARD_TELL', ''), 'daily'))
param costGuardPriceFactor = textOr(readEnvironmentVariable('STILLFRAME_COST_GUARD_PRICE_FACTOR', ''), '1')
param costGuardCurrency = textOr(readEnvironmentVariable('STILLFRAME_COST_GUARD_CURRENCY', ''), 'USD')
param pricesEndpoint = textOr(
  readEnvironmentVariable('STILLFRAME_PRICES_ENDPOINT', ''),
  'https://prices.azure.com/api/retail/prices'
)
param sweepSchedule = textOr(readEnvironmentVariable('STILLFRAME_SWEEP_SCHEDULE', ''), '0 */5 * * * *')
param dryRun = bool(textOr(readEnvironmentVariable('STILLFRAME_DRY_RUN', ''), 'false'))
param maximumInstanceCount = int(textOr(readEnvironmentVariable('STILLFRAME_MAXIMUM_INSTANCE_COUNT', ''), '40'))
param alwaysReady = int(textOr(readEnvironmentVariable('STILLFRAME_ALWAYS_READY', ''), '0'))
param instanceMemoryMB = any(int(textOr(readEnvironmentVariable('STILLFRAME_INSTANCE_MEMORY_MB', ''), '2048')))
param logDays = int(textOr(readEnvironmentVariable('STILLFRAME_LOG_DAYS', ''), '30'))
param logWorkspace = trim(readEnvironmentVariable('STILLFRAME_LOG_WORKSPACE', ''))
param alertEmail = trim(readEnvironmentVariable('STILLFRAME_ALERT_EMAIL', ''))
param actionGroups = listOf(readEnvironmentVariable('STILLFRAME_ACTION_GROUPS', ''))
param alertWhenCaptured = bool(textOr(readEnvironmentVariable('STILLFRAME_ALERT_WHEN_CAPTURED', ''), 'false'))
param heartbeatWithin = any(textOr(readEnvironmentVariable('STILLFRAME_HEARTBEAT_WITHIN', ''), 'PT15M'))
param deadLetterDays = int(textOr(readEnvironmentVariable('STILLFRAME_DEAD_LETTER_DAYS', ''), '30'))
param networking = any(textOr(readEnvironmentVariable('STILLFRAME_NETWORKING', ''), 'public'))
param appSubnet = trim(readEnvironmentVariable('STILLFRAME_APP_SUBNET', ''))
param endpointSubnet = trim(readEnvironmentVariable('STILLFRAME_ENDPOINT_SUBNET', ''))
param blobDnsZone = trim(readEnvironmentVariable('STILLFRAME_BLOB_DNS_ZONE', ''))
param topicDnsZone = trim(readEnvironmentVariable('STILLFRAME_TOPIC_DNS_ZONE', ''))
param zoneRedundant = bool(textOr(readEnvironmentVariable('STILLFRAME_ZONE_REDUNDANT', ''), 'false'))
