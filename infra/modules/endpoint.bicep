// One private endpoint, and its name in a private DNS zone where that is to be made here.

import { Tags } from 'names.bicep'

@description('The endpoint\'s name.')
param name string

@description('The region.')
param location string

@description('Tags on every resource.')
param tags Tags

@description('Id of the subnet it lies in.')
param subnet string

@description('Id of what it leads to.')
param to string

@description('The part of that, as Azure calls it.')
param part string

@description('Id of the private DNS zone; empty = the name is registered otherwise, by a policy say.')
param zone string

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: { id: subnet }
    privateLinkServiceConnections: [{ name: part, properties: { privateLinkServiceId: to, groupIds: [part] } }]
  }

  resource named 'privateDnsZoneGroups' = if (!empty(zone)) {
    name: 'default'
    properties: { privateDnsZoneConfigs: [{ name: part, properties: { privateDnsZoneId: zone } }] }
  }
}
