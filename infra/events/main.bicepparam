// The events layer's parameters as azd knows them; the platform's id is an output of its layer.
using 'main.bicep'

param name = readEnvironmentVariable('STILLFRAME_NAME', 'stillframe')
param platform = readEnvironmentVariable('STILLFRAME_PLATFORM', '')
param location = readEnvironmentVariable('AZURE_LOCATION')
param tags = { 'azd-env-name': readEnvironmentVariable('AZURE_ENV_NAME') }
param subscriptions = split(
  readEnvironmentVariable('STILLFRAME_SUBSCRIPTIONS', readEnvironmentVariable('AZURE_SUBSCRIPTION_ID')),
  ','
)
param subscriptionTopics = filter(
  split(readEnvironmentVariable('STILLFRAME_SUBSCRIPTION_TOPICS', ''), ','),
  one => !empty(one)
)
param alerts = !empty(readEnvironmentVariable('STILLFRAME_ALERT_EMAIL', ''))
param healthTopics = filter(split(readEnvironmentVariable('STILLFRAME_HEALTH_TOPICS', ''), ','), one => !empty(one))
