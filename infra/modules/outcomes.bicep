// The topic of outcome events, without keys: the app may send to it, and nobody else is let in here.

import { Names, Tags } from 'names.bicep'

@description('The names of the deployment\'s resources.')
param names Names

@description('The region.')
param location string

@description('Tags on every resource.')
param tags Tags

var dataSender = 'd5a91429-5739-47e2-a06b-3470a27159e7'

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.appIdentity
}

resource outcomes 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: names.outcomes
  location: location
  tags: tags
  properties: {
    disableLocalAuth: true
    inputSchema: 'CloudEventSchemaV1_0'
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

resource sends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: outcomes
  name: guid(outcomes.id, app.id, dataSender)
  properties: {
    principalId: app.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataSender)
  }
}
