// One system topic of this subscription, and the identity with which it writes dead letters: its own, since
// into a storage account behind a firewall Event Grid writes with no other. Where it is not wanted the
// property is not sent at all: clouds have refused it, whatever stood in it.

import { Tags } from 'names.bicep'

@description('The topic\'s name.')
param name string

@description('The kind of its events.')
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

@description('Id of its identity\'s principal; empty = it has none.')
output principalId string = identified ? topic.identity!.principalId : ''
