// The events of one subscription: its two system topics, made where it has none, and what is wanted
// of each.

targetScope = 'subscription'

import { Names, Tags } from 'names.bicep'
import { ofHealth, ofSubscription } from 'filters.bicep'

@description('The name of the platform\'s deployment.')
param name string

@description('The names of the platform\'s resources.')
param names Names

@description('Id of the platform\'s resource group.')
param platform string

@description('The region of the resource group for topics, where one is made.')
param location string

@description('Tags on every resource.')
param tags Tags

@description('Id of the topic of the subscription\'s own events; empty = one is made.')
param subscriptionTopic string

@description('Id of the topic of its health resources; empty = one is made.')
param healthTopic string

@description('Whether undelivered events are kept.')
param deadLetters bool

@description('Whether undelivered events of topics that were there already are kept too; each must have an identity of its own.')
param deadLettersOfExistingTopics bool

@description('Ids of the action groups that are told of undelivered events; none = nobody is.')
param actionGroups string[]

var parts = split(platform, '/')
var home = toLower(parts[2]) == toLower(subscription().subscriptionId)
// In another subscription too the platform's group by its name: azd takes each group that a deployment
// made for one of the home subscription, by name alone, and `azd down` deletes that.
var topicGroup = parts[4]
var ofSubscriptionTopic = deadLetters && (empty(subscriptionTopic) || deadLettersOfExistingTopics)
var ofHealthTopic = deadLetters && (empty(healthTopic) || deadLettersOfExistingTopics)

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.appIdentity
  scope: resourceGroup(parts[2], parts[4])
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = if (!home && (empty(subscriptionTopic) || empty(healthTopic))) {
  name: topicGroup
  location: location
  tags: tags
}

module subscriptionEvents 'topic.bicep' = if (empty(subscriptionTopic)) {
  scope: resourceGroup(topicGroup)
  params: {
    name: '${name}-subscription'
    type: 'Microsoft.Resources.Subscriptions'
    identified: deadLetters
    tags: tags
  }
  dependsOn: [group]
}

module healthEvents 'topic.bicep' = if (empty(healthTopic)) {
  scope: resourceGroup(topicGroup)
  params: {
    name: '${name}-health'
    type: 'microsoft.resourcenotifications.healthresources'
    identified: deadLetters
    tags: tags
  }
  dependsOn: [group]
}

module subscriptionKnown 'known-topic.bicep' = if (!empty(subscriptionTopic) && deadLettersOfExistingTopics) {
  scope: resourceGroup(empty(subscriptionTopic) ? topicGroup : split(subscriptionTopic, '/')[4])
  params: { name: empty(subscriptionTopic) ? '' : split(subscriptionTopic, '/')[8] }
}

module subscriptionDeadLetters 'dead-letters.bicep' = if (ofSubscriptionTopic) {
  scope: resourceGroup(parts[2], parts[4])
  params: {
    names: names
    principalId: empty(subscriptionTopic)
      ? subscriptionEvents!.outputs.principalId
      : subscriptionKnown!.outputs.principalId
  }
}

module healthKnown 'known-topic.bicep' = if (!empty(healthTopic) && deadLettersOfExistingTopics) {
  scope: resourceGroup(empty(healthTopic) ? topicGroup : split(healthTopic, '/')[4])
  params: { name: empty(healthTopic) ? '' : split(healthTopic, '/')[8] }
}

module healthDeadLetters 'dead-letters.bicep' = if (ofHealthTopic) {
  scope: resourceGroup(parts[2], parts[4])
  params: {
    names: names
    principalId: empty(healthTopic) ? healthEvents!.outputs.principalId : healthKnown!.outputs.principalId
  }
}

module wantedOfSubscription 'subscriptions.bicep' = {
  scope: resourceGroup(empty(subscriptionTopic) ? topicGroup : split(subscriptionTopic, '/')[4])
  params: {
    topic: empty(subscriptionTopic) ? '${name}-subscription' : split(subscriptionTopic, '/')[8]
    wanted: ofSubscription(name, app.properties.clientId)
    names: names
    platform: platform
    deadLetters: ofSubscriptionTopic
  }
  dependsOn: [subscriptionEvents, subscriptionDeadLetters]
}

module wantedOfHealth 'subscriptions.bicep' = {
  scope: resourceGroup(empty(healthTopic) ? topicGroup : split(healthTopic, '/')[4])
  params: {
    topic: empty(healthTopic) ? '${name}-health' : split(healthTopic, '/')[8]
    wanted: ofHealth(name)
    names: names
    platform: platform
    deadLetters: ofHealthTopic
  }
  dependsOn: [healthEvents, healthDeadLetters]
}

module ofSubscriptionEvents 'undelivered.bicep' = if (!empty(actionGroups)) {
  scope: resourceGroup(empty(subscriptionTopic) ? topicGroup : split(subscriptionTopic, '/')[4])
  params: {
    name: '${name}-subscription'
    topic: empty(subscriptionTopic) ? '${name}-subscription' : split(subscriptionTopic, '/')[8]
    actionGroups: actionGroups
    tags: tags
  }
  dependsOn: [subscriptionEvents]
}

module ofHealthEvents 'undelivered.bicep' = if (!empty(actionGroups)) {
  scope: resourceGroup(empty(healthTopic) ? topicGroup : split(healthTopic, '/')[4])
  params: {
    name: '${name}-health'
    topic: empty(healthTopic) ? '${name}-health' : split(healthTopic, '/')[8]
    actionGroups: actionGroups
    tags: tags
  }
  dependsOn: [healthEvents]
}
