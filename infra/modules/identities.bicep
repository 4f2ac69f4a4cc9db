// The app's identity: all permissions of the app are granted to it. Modules that grant permissions get its
// principal id: a role assignment is named after its principal, because an assignment named after the identity
// outlives it, and then fails for the next identity of that name with RoleAssignmentUpdateNotPermitted.

import { Names, Tags } from 'names.bicep'

@description('The names of the deployment\'s resources.')
param names Names

@description('The region.')
param location string

@description('Tags on every resource.')
param tags Tags

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: names.appIdentity
  location: location
  tags: tags
}

@description('Id of the principal of the app\'s identity.')
output appPrincipalId string = app.properties.principalId
