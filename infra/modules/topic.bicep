// One system topic of this subscription. System topics of subscriptions are global and have no
// identity of their own; that they take one of ours is inferred, and only dead letters need it. Where
// it is not wanted the property is not sent at all: Azure has refused it whatever stood in it.

import { Tags } from 'names.bicep'

@description('The topic\'s name.')
param name string

@description('The kind of its events.')
param type string

@description('Id of the identity with which dead letters are written; empty = none.')
param identityId string

@description('Tags on every resource.')
param tags Tags

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: 'global'
  tags: tags
  identity: empty(identityId) ? null : { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    source: subscription().id
    topicType: type
  }
}
