// The events layer's parameters for azd; the platform's resource group is an output of the platform layer.
using 'main.bicep'

import { listOf, textOr } from '../modules/azd.bicep'

var environment = readEnvironmentVariable('AZURE_ENV_NAME')
var home = readEnvironmentVariable('AZURE_SUBSCRIPTION_ID')
var group = readEnvironmentVariable('AZURE_RESOURCE_GROUP', '')

param name = textOr(readEnvironmentVariable('STILLFRAME_NAME', ''), environment)
param platform = empty(group) ? '' : '/subscriptions/${home}/resourceGroups/${group}'
param location = readEnvironmentVariable('AZURE_LOCATION')
// azd would mistake a group in another subscription for one in the home subscription, so infra/azd/topics.py
// creates it.
param makeGroups = false
param tags = json(textOr(readEnvironmentVariable('STILLFRAME_TAGS', ''), '{}'))
param subscriptions = listOf(textOr(readEnvironmentVariable('STILLFRAME_SUBSCRIPTIONS', ''), home))
param subscriptionTopics = listOf(readEnvironmentVariable('STILLFRAME_SUBSCRIPTION_TOPICS', ''))
param healthTopics = listOf(readEnvironmentVariable('STILLFRAME_HEALTH_TOPICS', ''))
param deadLetters = bool(textOr(readEnvironmentVariable('STILLFRAME_DEAD_LETTERS', ''), 'true'))
param deadLettersOfExistingTopics = bool(textOr(
  readEnvironmentVariable('STILLFRAME_DEAD_LETTERS_OF_EXISTING_TOPICS', ''),
  'false'
))
param alerts = !empty(trim(readEnvironmentVariable('STILLFRAME_ALERT_EMAIL', '')))
param actionGroups = listOf(readEnvironmentVariable('STILLFRAME_ACTION_GROUPS', ''))
param workshop = bool(textOr(readEnvironmentVariable('STILLFRAME_WORKSHOP', ''), 'false'))
