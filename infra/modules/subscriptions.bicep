// The event subscriptions of one topic, delivered to functions of the app: retried for a day, then
// dead-lettered. Event Grid itself keeps the functions' key current.

import { Wanted } from 'filters.bicep'
import { Names } from 'names.bicep'

@description('The topic\'s name.')
param topic string

@description('Its event subscriptions.')
param wanted Wanted[]

@description('The names of the platform\'s resources.')
param names Names

@description('Id of the platform\'s resource group.')
param platform string

@description('Whether dead letters are written, with the topic\'s own identity.')
param deadLetters bool

var parts = split(platform, '/')

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: names.functionApp
  scope: resourceGroup(parts[2], parts[4])
}

resource storage 'Microsoft.Storage/storageAccounts@2026-06-01' existing = {
  name: names.storage
  scope: resourceGroup(parts[2], parts[4])
}

resource from 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topic
}

resource subscriptions 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [
  for one in wanted: {
    parent: from
    name: one.name
    properties: {
      destination: {
        endpointType: 'AzureFunction'
        properties: {
          resourceId: '${app.id}/functions/${one.function}'
          maxEventsPerBatch: 1
          preferredBatchSizeInKilobytes: 64
        }
      }
      eventDeliverySchema: 'EventGridSchema'
      filter: {
        includedEventTypes: one.types
        advancedFilters: one.filters
      }
      retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
      deadLetterWithResourceIdentity: !deadLetters
        ? null
        : {
            identity: { type: 'SystemAssigned' }
            deadLetterDestination: {
              endpointType: 'StorageBlob'
              properties: {
                resourceId: storage.id
                blobContainerName: names.deadLetters
              }
            }
          }
    }
  }
]
