// The app's permissions in one watched subscription, as two custom roles: one for all of it (read
// VMs, write their tags, read since when they are stopped), one for the capture scope (deallocate,
// generalize, capture). Each action is needed by some request of the app; actions that only a
// gallery, the proof or the cost guard needs are included only if that is enabled.

targetScope = 'subscription'

@description('The deployment\'s name.')
param name string

@description('Id of the platform\'s resource group.')
param platform string

@description('Id of the principal that the roles are granted to.')
param principalId string

@description('The resource groups of this subscription in which orders are carried out; none = all.')
param captureGroups string[]

@description('Whether orders are carried out anywhere in this subscription.')
param capture bool

@description('Whether VMs themselves are captured, not only copies of them.')
param inPlace bool

@description('Whether copies of VMs are captured, in the workshop.')
param keep bool

@description('Whether captured VMs may be deleted, with their disks and interfaces.')
param disposes bool

@description('Whether gallery image versions may be created.')
param galleryCapture bool

@description('Whether disks are read before a VM is generalized.')
param proof bool

@description('Whether disks are read that require a token in addition to their URL.')
param entraOnlyDisks bool

@description('Whether disks may be encrypted with customer-managed keys.')
param customerKeys bool

@description('Whether the cost guard may deallocate.')
param guardDeallocates bool

// A custom role's name is unique in the tenant.
var suffix = '${name} of ${split(platform, '/')[2]} in ${subscription().subscriptionId}'

resource watch 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, toLower(platform), name, 'watch')
  properties: {
    roleName: 'Stillframe watch (${suffix})'
    description: 'Read virtual machines and their disks, and write tags.'
    type: 'CustomRole'
    assignableScopes: [subscription().id]
    permissions: [
      {
        actions: concat(
          [
            'Microsoft.Authorization/permissions/read'
            'Microsoft.Compute/disks/read'
            'Microsoft.Compute/virtualMachines/read'
            'Microsoft.ResourceHealth/availabilityStatuses/read'
            'Microsoft.Resources/subscriptions/resourceGroups/read'
            'Microsoft.Resources/tags/write'
          ],
          proof ? ['Microsoft.Compute/locations/diskOperations/read'] : [],
          guardDeallocates || disposes ? ['Microsoft.Authorization/locks/read'] : [],
          guardDeallocates ? ['Microsoft.Compute/virtualMachines/deallocate/action'] : []
        )
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
  }
}

resource captures 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (capture) {
  name: guid(subscription().id, toLower(platform), name, 'capture')
  properties: {
    roleName: 'Stillframe capture (${suffix})'
    description: 'Deallocate, generalize and capture virtual machines.'
    type: 'CustomRole'
    assignableScopes: [subscription().id]
    permissions: [
      {
        actions: concat(
          inPlace
            ? [
                'Microsoft.Compute/virtualMachines/deallocate/action'
                'Microsoft.Compute/virtualMachines/generalize/action'
              ]
            : [],
          inPlace && galleryCapture && !disposes ? ['Microsoft.Compute/virtualMachines/write'] : [],
          keep || proof ? ['Microsoft.Compute/disks/beginGetAccess/action'] : [],
          inPlace && proof ? ['Microsoft.Compute/disks/endGetAccess/action'] : [],
          inPlace && disposes
            ? [
                'Microsoft.Compute/disks/delete'
                'Microsoft.Compute/virtualMachines/delete'
                'Microsoft.Compute/virtualMachines/write'
                'Microsoft.Network/networkInterfaces/delete'
                'Microsoft.Network/networkInterfaces/join/action'
              ]
            : [],
          customerKeys ? ['Microsoft.Compute/diskEncryptionSets/read'] : []
        )
        notActions: []
        dataActions: inPlace && proof && entraOnlyDisks ? ['Microsoft.Compute/disks/download/action'] : []
        notDataActions: []
      }
    ]
  }
}

resource watches 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, watch.id)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: watch.id
  }
}

resource capturesAnywhere 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (capture && empty(captureGroups)) {
  name: guid(subscription().id, principalId, captures.id)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: captures.id
  }
}

module capturesInGroup 'assignment.bicep' = [
  for group in captureGroups: if (capture) {
    scope: resourceGroup(group)
    params: { principalId: principalId, roleDefinitionId: captures.id }
  }
]
