// The permissions of the identity that waits: read the app's functions and the state of its host, and have
// Azure synchronize the functions. It can read no secret and cannot change the app.

import { Names } from 'names.bicep'

@description('The names of the deployment\'s resources.')
param names Names

@description('Id of the principal that the role is granted to.')
param principalId string

@description('The deployment\'s name.')
param name string

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: names.functionApp
}

resource waits 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, name, 'wait')
  properties: {
    roleName: 'Stillframe wait (${name} of ${subscription().subscriptionId} in ${resourceGroup().name} ${uniqueString(resourceGroup().id)})'
    description: 'Read whether a function app is running.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: [
          'Microsoft.Web/sites/functions/read'
          'Microsoft.Web/sites/host/properties/read'
          'Microsoft.Web/sites/host/sync/action'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
  }
}

resource granted 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: app
  name: guid(app.id, principalId, waits.id)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: waits.id
  }
}
