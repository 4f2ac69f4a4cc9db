// The storage account, without keys: the app's package and its host's own state, and dead letters.
// The host needs to own the account's blobs, as documented for identity-based connections; Event
// Grid may write to the one container of dead letters and nothing else.

import { Names, Tags } from 'names.bicep'

@description('The names of the deployment\'s resources.')
param names Names

@description('The region.')
param location string

@description('Tags on every resource.')
param tags Tags

@description('For how many days dead letters are kept.')
param deadLetterDays int

var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.appIdentity
}

resource eventGrid 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.deadLetterIdentity
}

resource storage 'Microsoft.Storage/storageAccounts@2026-06-01' = {
  name: names.storage
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: 'Enabled'
    supportsHttpsTrafficOnly: true
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource packages 'containers' = {
      name: names.packages
    }

    resource deadLetters 'containers' = {
      name: names.deadLetters
    }
  }

  resource ageing 'managementPolicies' = {
    name: 'default'
    properties: {
      policy: {
        rules: [
          {
            name: 'dead-letters'
            type: 'Lifecycle'
            definition: {
              filters: { blobTypes: ['blockBlob'], prefixMatch: ['${names.deadLetters}/'] }
              actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: deadLetterDays } } }
            }
          }
        ]
      }
    }
  }
}

resource hostState 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, app.id, blobDataOwner)
  properties: {
    principalId: app.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataOwner)
  }
}

resource writesDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage::blobs::deadLetters
  name: guid(storage::blobs::deadLetters.id, eventGrid.id, blobDataContributor)
  properties: {
    principalId: eventGrid.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
}
