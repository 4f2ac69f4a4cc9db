// One private endpoint, and its record in a private DNS zone if a zone is given.

import { Tags } from 'names.bicep'

@description('The endpoint\'s name.')
param name string

@description('The region.')
param location string

@description('Tags on every resource.')
param tags Tags

@description('Id of its subnet.')
param subnet string

@description('Id of the resource that it connects to.')
param to string

@description('The group id (subresource) of that resource.')
param part string

@description('Id of the private DNS zone; empty = the endpoint is registered otherwise, for example by a policy.')
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
