// One role, for one resource group.

@description('Id of the principal that the role is granted to.')
param principalId string

@description('Id of the role.')
param roleDefinitionId string

resource granted 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, principalId, roleDefinitionId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleDefinitionId
  }
}
