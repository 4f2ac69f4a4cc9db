// A role on the function app: a principal is known only while it is deployed, and an assignment is named
// after it, so this is a module of its own.

import { Names } from 'names.bicep'

@description('The names of the deployment\'s resources.')
param names Names

@description('Id of the principal that the role is granted to.')
param principalId string

@description('The role\'s name, a GUID.')
param roleDefinitionId string

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: names.functionApp
}

resource granted 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: app
  name: guid(app.id, principalId, roleDefinitionId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleDefinitionId)
  }
}
