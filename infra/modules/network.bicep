// Private endpoints, in a subnet of the operator's: for the storage account's blobs, which are the app's
// package and its host's state, and for the outcome topic. The app itself stays reachable: Event Grid cannot
// deliver to a function over a private endpoint.

import { Names, Tags } from 'names.bicep'

@description('The names of the deployment\'s resources.')
param names Names

@description('The region.')
param location string

@description('Tags on every resource.')
param tags Tags

@description('Id of the subnet of the private endpoints.')
param subnet string

@description('Id of the private DNS zone of blobs; empty = no record is created.')
param blobZone string

@description('Id of the private DNS zone of topics; empty = no record is created.')
param topicZone string

resource storage 'Microsoft.Storage/storageAccounts@2026-06-01' existing = {
  name: names.storage
}

resource outcomes 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: names.outcomes
}

module toBlobs 'endpoint.bicep' = {
  params: {
    name: '${names.storage}-blob'
    location: location
    tags: tags
    subnet: subnet
    to: storage.id
    part: 'blob'
    zone: blobZone
  }
}

module toOutcomes 'endpoint.bicep' = {
  params: {
    name: names.outcomes
    location: location
    tags: tags
    subnet: subnet
    to: outcomes.id
    part: 'topic'
    zone: topicZone
  }
}
