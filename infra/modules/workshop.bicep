// The workshop of one watched subscription: a resource group for temporary VMs, a private network in each
// region, and the app's permissions there. Only here does the app create VMs, and only here does it delete.

targetScope = 'subscription'

@description('The deployment\'s name.')
param name string

@description('Id of the platform\'s resource group.')
param platform string

@description('Id of the principal that the role is granted to.')
param principalId string

@description('The name of the resource group.')
param workshop string

@description('The region of the resource group.')
param location string

@description('The regions of the images that are booted.')
param regions string[]

@description('Whether the resource group is created here; otherwise it must exist.')
param makeGroup bool

@description('Whether copies of VMs are captured there.')
param keep bool

@description('Whether disks are read before a copied VM is generalized.')
param proof bool

@description('Tags on every resource.')
param tags { *: string }

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = if (makeGroup) {
  name: workshop
  location: location
  tags: tags
}

module networks 'workshop-network.bicep' = [
  for region in regions: {
    scope: resourceGroup(workshop)
    params: { name: '${workshop}-${toLower(replace(region, ' ', ''))}', location: region, tags: tags }
    dependsOn: [group]
  }
]

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, toLower(platform), name, 'workshop')
  properties: {
    roleName: 'Stillframe workshop (${name} of ${split(platform, '/')[2]} in ${subscription().subscriptionId})'
    description: 'Create temporary virtual machines in one resource group, and delete them.'
    type: 'CustomRole'
    assignableScopes: [subscription().id]
    permissions: [
      {
        actions: concat(
          [
            'Microsoft.Compute/disks/delete'
            'Microsoft.Compute/disks/read'
            'Microsoft.Compute/disks/write'
            'Microsoft.Compute/virtualMachines/delete'
            'Microsoft.Compute/virtualMachines/read'
            'Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action'
            'Microsoft.Compute/virtualMachines/write'
            'Microsoft.Network/networkInterfaces/delete'
            'Microsoft.Network/networkInterfaces/join/action'
            'Microsoft.Network/networkInterfaces/read'
            'Microsoft.Network/networkInterfaces/write'
            'Microsoft.Network/virtualNetworks/subnets/join/action'
            'Microsoft.Resources/subscriptions/resourceGroups/resources/read'
          ],
          keep
            ? [
                'Microsoft.Compute/restorePointCollections/delete'
                'Microsoft.Compute/restorePointCollections/read'
                'Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints/beginGetAccess/action'
                'Microsoft.Compute/restorePointCollections/restorePoints/read'
                'Microsoft.Compute/restorePointCollections/restorePoints/write'
                'Microsoft.Compute/restorePointCollections/write'
                'Microsoft.Compute/snapshots/beginGetAccess/action'
                'Microsoft.Compute/snapshots/delete'
                'Microsoft.Compute/snapshots/read'
                'Microsoft.Compute/snapshots/write'
                'Microsoft.Compute/virtualMachines/deallocate/action'
                'Microsoft.Compute/virtualMachines/generalize/action'
                'Microsoft.Compute/virtualMachines/runCommands/write'
              ]
            : [],
          keep && proof
            ? [
                'Microsoft.Compute/disks/beginGetAccess/action'
                'Microsoft.Compute/disks/endGetAccess/action'
              ]
            : []
        )
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
  }
}

module granted 'assignment.bicep' = {
  scope: resourceGroup(workshop)
  params: { principalId: principalId, roleDefinitionId: role.id }
  dependsOn: [group]
}
