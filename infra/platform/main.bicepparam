// The platform layer's parameters as azd knows them: `azd env set NAME VALUE` before `azd up`.
using 'main.bicep'

var none = ''

param name = readEnvironmentVariable('STILLFRAME_NAME', 'stillframe')
param location = readEnvironmentVariable('AZURE_LOCATION')
param tags = { 'azd-env-name': readEnvironmentVariable('AZURE_ENV_NAME') }
param subscriptions = split(
  readEnvironmentVariable('STILLFRAME_SUBSCRIPTIONS', readEnvironmentVariable('AZURE_SUBSCRIPTION_ID')),
  ','
)
param captureScope = filter(split(readEnvironmentVariable('STILLFRAME_CAPTURE_SCOPE', none), ','), one => !empty(one))
param captureTarget = readEnvironmentVariable('STILLFRAME_CAPTURE_TARGET', none)
param imageResourceGroup = readEnvironmentVariable('STILLFRAME_IMAGE_RESOURCE_GROUP', none)
param proof = readEnvironmentVariable('STILLFRAME_PROOF', 'required')
param costGuardAction = readEnvironmentVariable('STILLFRAME_COST_GUARD_ACTION', 'flag')
param costGuardDeallocateAfter = readEnvironmentVariable('STILLFRAME_COST_GUARD_DEALLOCATE_AFTER', none)
param alertEmail = readEnvironmentVariable('STILLFRAME_ALERT_EMAIL', none)
param alertWhenCaptured = bool(readEnvironmentVariable('STILLFRAME_ALERT_WHEN_CAPTURED', 'false'))
param dryRun = bool(readEnvironmentVariable('STILLFRAME_DRY_RUN', 'false'))
