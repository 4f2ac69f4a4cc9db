// An existing system topic: the identity that its owner gave it.

@description('The topic\'s name.')
param name string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: name
}

@description('Principal id of its own identity.')
output principalId string = topic.identity!.principalId
