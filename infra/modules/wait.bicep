// Waits, in a deployment that includes the package, until Azure has indexed the function that events go
// to: Event Grid cannot subscribe a function that the app's host has not indexed yet. A deployment script waits,
// because templates have no other way. Azure runs it in a separate container, with a storage account that
// has a key; both are deleted when it ends.

import { Names, Tags } from 'names.bicep'

@description('The names of the deployment\'s resources.')
param names Names

@description('The region.')
param location string

@description('Tags on every resource.')
param tags Tags

@description('The deployment\'s name.')
param name string

@description('The function that must be indexed.')
param function string

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: names.functionApp
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: names.waitIdentity
  location: location
  tags: tags
}

module sees 'sees-app.bicep' = {
  params: { names: names, principalId: identity.properties.principalId, name: name }
}

resource wait 'Microsoft.Resources/deploymentScripts@2023-08-01' = {
  name: names.waitIdentity
  location: location
  tags: tags
  kind: 'AzureCLI'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    azCliVersion: '2.80.0'
    timeout: 'PT20M'
    retentionInterval: 'PT1H'
    cleanupPreference: 'Always'
    environmentVariables: [
      { name: 'APP', value: '${environment().resourceManager}${substring(app.id, 1)}' }
      { name: 'FUNCTION', value: function }
    ]
    scriptContent: loadTextContent('wait.sh')
  }
  dependsOn: [sees]
}
