// The storage account, without keys: the app's package and its host's own state, dead letters, the
// ledger, the report, screenshots of boot tests.
// The host needs Storage Blob Data Owner, as documented for identity-based connections; topics
// may write only to the container of dead letters, which the events layer grants them. If the account is
// closed to the internet, Event Grid still has access, as a trusted Azure service.

import { Names, Tags } from 'names.bicep'
import { Networking } from 'settings.bicep'

@description('The names of the deployment\'s resources.')
param names Names

@description('The region.')
param location string

@description('Tags on every resource.')
param tags Tags

@description('Id of the principal of the app\'s identity.')
param appPrincipalId string

@description('For how many days dead letters are kept.')
param deadLetterDays int

@description('Whether the account is reachable from the internet.')
param networking Networking

@description('Whether the storage is zone redundant, with copies in three zones.')
param zoneRedundant bool

var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'

resource storage 'Microsoft.Storage/storageAccounts@2026-06-01' = {
  name: names.storage
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    // Sent in both cases: an update may keep the earlier value of a property that it omits.
    networkAcls: { bypass: 'AzureServices', defaultAction: networking == 'public' ? 'Allow' : 'Deny' }
    publicNetworkAccess: networking == 'public' ? 'Enabled' : 'Disabled'
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

    resource ledger 'containers' = {
      name: names.ledger
    }

    resource reports 'containers' = {
      name: names.reports
    }

    resource bootTests 'containers' = {
      name: names.bootTests
    }
  }

  resource ageing 'managementPolicies' = {
    name: 'default'
    properties: {
      policy: {
        rules: [
          {
            name: 'dead-letters-and-screenshots'
            type: 'Lifecycle'
            definition: {
              filters: { blobTypes: ['blockBlob'], prefixMatch: ['${names.deadLetters}/', '${names.bootTests}/'] }
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
  name: guid(storage.id, appPrincipalId, blobDataOwner)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataOwner)
  }
}
