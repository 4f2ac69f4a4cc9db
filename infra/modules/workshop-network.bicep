// The network of temporary VMs in one region: no peering, no public address, no outbound access, and no VM
// reaches another.

@description('The name of the virtual network.')
param name string

@description('The region.')
param location string

@description('Tags on every resource.')
param tags { *: string }

resource closed 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'nothing-in'
        properties: {
          access: 'Deny'
          direction: 'Inbound'
          priority: 100
          protocol: '*'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
      {
        name: 'nothing-out'
        properties: {
          access: 'Deny'
          direction: 'Outbound'
          priority: 100
          protocol: '*'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.255.255.0/24'] }
    subnets: [
      {
        name: 'machines'
        properties: {
          addressPrefix: '10.255.255.0/24'
          defaultOutboundAccess: false
          networkSecurityGroup: { id: closed.id }
        }
      }
    ]
  }
}
