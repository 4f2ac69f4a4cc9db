// One system topic of this subscription, and the identity with which it writes dead letters: a system-assigned
// identity, because Event Grid can write to a storage account behind a firewall with no other. Without an identity
// the property is not sent at all: clouds have refused it with any value.

import { Tags } from 'names.bicep'

@description('The topic\'s name.')
param name string

@description('Its topic type.')
param type string

@description('Whether it has an identity.')
param identified bool

@description('Tags on every resource.')
param tags Tags

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: 'global'
  tags: tags
  identity: identified ? { type: 'SystemAssigned' } : null
  properties: {
    source: subscription().id
    topicType: type
  }
}

@description('Principal id of its identity; empty = it has none.')
output principalId string = identified ? topic.identity!.principalId : ''
