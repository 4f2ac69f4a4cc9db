// The app's identity: all that the app may do is granted to this. Its principal's id goes to whoever grants
// something: a role assignment is named after its principal, because one that is named after the identity
// outlives it, and the next identity of that name meets RoleAssignmentUpdateNotPermitted.

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
