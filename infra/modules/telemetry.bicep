// Logs: Application Insights over a workspace, both without keys. The connection string that the app
// is given names an address; only an identity with the role below can write there.

import { Names, Tags } from 'names.bicep'

@description('The names of the deployment\'s resources.')
param names Names

@description('The region.')
param location string

@description('Tags on every resource.')
param tags Tags

@description('For how many days logs are kept.')
param logDays int

var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.appIdentity
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' = {
  name: names.workspace
  location: location
  tags: tags
  properties: {
    features: { disableLocalAuth: true }
    retentionInDays: logDays
    sku: { name: 'PerGB2018' }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: names.insights
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    DisableLocalAuth: true
    WorkspaceResourceId: workspace.id
  }
}

resource writes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: insights
  name: guid(insights.id, app.id, metricsPublisher)
  properties: {
    principalId: app.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
  }
}
