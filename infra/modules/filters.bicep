// Which events trigger the app. docs/decisions/0006-events.md has the reasons. An event subscription has
// the deployment's name: a topic that two deployments share has the event subscriptions of both.

@export()
@description('An event subscription on a topic, and the function that it delivers to.')
type Wanted = {
  @description('The event subscription\'s name.')
  name: string
  @description('The function.')
  function: string
  @description('The event types.')
  types: string[]
  @description('Further conditions, all of which an event must meet.')
  filters: resourceInput<'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15'>.properties.filter.advancedFilters
}

@export()
@description('Orders, written by anyone but the app itself (its application id); steps, completed for anyone.')
func ofSubscription(name string, appId string) Wanted[] => [
  {
    name: '${name}-orders'
    function: 'look'
    types: ['Microsoft.Resources.ResourceWriteSuccess']
    filters: [
      {
        operatorType: 'StringIn'
        key: 'data.operationName'
        values: ['Microsoft.Resources/tags/write', 'Microsoft.Compute/virtualMachines/write']
      }
      {
        operatorType: 'StringContains'
        key: 'subject'
        values: ['/providers/Microsoft.Compute/virtualMachines/']
      }
      {
        operatorType: 'StringNotIn'
        key: 'data.claims.appid'
        values: [appId]
      }
    ]
  }
  {
    name: '${name}-steps'
    function: 'look'
    types: [
      'Microsoft.Resources.ResourceActionSuccess'
      'Microsoft.Resources.ResourceWriteSuccess'
      'Microsoft.Resources.ResourceWriteFailure'
    ]
    filters: [
      {
        operatorType: 'StringIn'
        key: 'data.operationName'
        values: [
          'Microsoft.Compute/virtualMachines/deallocate/action'
          'Microsoft.Compute/virtualMachines/powerOff/action'
          'Microsoft.Compute/virtualMachines/start/action'
          'Microsoft.Compute/images/write'
          'Microsoft.Compute/galleries/images/versions/write'
        ]
      }
    ]
  }
]

@export()
@description('Annotations of VMs: a guest\'s own shutdown raises no other event.')
func ofHealth(name string) Wanted[] => [
  {
    name: '${name}-health'
    function: 'look'
    types: ['Microsoft.ResourceNotifications.HealthResources.ResourceAnnotated']
    filters: [
      {
        operatorType: 'StringContains'
        key: 'data.resourceInfo.properties.targetResourceType'
        values: ['Microsoft.Compute/virtualMachines']
      }
      {
        operatorType: 'StringNotIn'
        key: 'data.resourceInfo.properties.annotationName'
        values: ['VirtualMachineDeallocationInitiated']
      }
    ]
  }
]

@export()
@description('Temporary VMs, disks, snapshots and restore points that are created, or could not be, in a resource group.')
func ofWorkshop(name string, workshop string) Wanted[] => [
  {
    name: '${name}-workshop'
    function: 'look'
    types: ['Microsoft.Resources.ResourceWriteSuccess', 'Microsoft.Resources.ResourceWriteFailure']
    filters: [
      {
        operatorType: 'StringIn'
        key: 'data.operationName'
        values: [
          'Microsoft.Compute/virtualMachines/write'
          'Microsoft.Compute/disks/write'
          'Microsoft.Compute/snapshots/write'
          'Microsoft.Compute/restorePointCollections/restorePoints/write'
        ]
      }
      {
        operatorType: 'StringContains'
        key: 'subject'
        values: ['/resourceGroups/${workshop}/providers/Microsoft.Compute/']
      }
    ]
  }
]
