// A system topic that was there already: the identity that its owner has given it.

@description('The topic\'s name.')
param name string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: name
}

@description('Id of its own identity\'s principal.')
output principalId string = topic.identity!.principalId
