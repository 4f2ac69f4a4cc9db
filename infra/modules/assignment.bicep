// One role, for one resource group.

@description('Id of the identity that the role is granted to.')
param identityId string

@description('Id of the role.')
param roleDefinitionId string

var identityParts = split(identityId, '/')

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityParts[8]
  scope: resourceGroup(identityParts[2], identityParts[4])
}

resource granted 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, identityId, roleDefinitionId)
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleDefinitionId
  }
}
