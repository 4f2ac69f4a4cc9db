// The topic of outcome events, without keys: only the app gets permission to send to it.

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

@description('Whether the topic is reachable from the internet.')
param networking Networking

var dataSender = 'd5a91429-5739-47e2-a06b-3470a27159e7'

resource outcomes 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: names.outcomes
  location: location
  tags: tags
  properties: {
    disableLocalAuth: true
    inputSchema: 'CloudEventSchemaV1_0'
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: networking == 'public' ? 'Enabled' : 'Disabled'
  }
}

resource sends 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: outcomes
  name: guid(outcomes.id, appPrincipalId, dataSender)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataSender)
  }
}
