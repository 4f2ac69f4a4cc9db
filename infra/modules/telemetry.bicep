// Logs: Application Insights on a workspace, which is created here without keys, or an existing workspace.
// The app's connection string is only an address; only an identity with the role below can write there.

import { Names, Tags } from 'names.bicep'

@description('The names of the deployment\'s resources.')
param names Names

@description('The region.')
param location string

@description('Tags on every resource.')
param tags Tags

@description('Id of the principal of the app\'s identity.')
param appPrincipalId string

@description('For how many days logs are kept in a workspace that is created here.')
param logDays int

@description('Id of an existing workspace for the logs; empty = a workspace is created.')
param logWorkspace string

var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' = if (empty(logWorkspace)) {
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
    WorkspaceResourceId: empty(logWorkspace) ? workspace.id : logWorkspace
  }
}

resource writes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: insights
  name: guid(insights.id, appPrincipalId, metricsPublisher)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
  }
}
