// The events of one subscription: its two system topics, created if they do not exist, and the event
// subscriptions on each.

targetScope = 'subscription'

import { Names, Tags, seeWorkbook } from 'names.bicep'
import { ofHealth, ofSubscription, ofWorkshop } from 'filters.bicep'

@description('The name of the platform\'s deployment.')
param name string

@description('The names of the platform\'s resources.')
param names Names

@description('Id of the platform\'s resource group.')
param platform string

@description('The region of the resource group for topics, if it is created here.')
param location string

@description('Whether that resource group is created here.')
param makeGroup bool

@description('Tags on every resource.')
param tags Tags

@description('Id of the topic of the subscription\'s own events; empty = it is created.')
param subscriptionTopic string

@description('Id of the topic of its health resources; empty = it is created.')
param healthTopic string

@description('Whether undelivered events are kept.')
param deadLetters bool

@description('Whether undelivered events of existing topics are kept too; each topic needs its own identity.')
param deadLettersOfExistingTopics bool

@description('Ids of the action groups that get alerts about undelivered events; none = no alerts.')
param actionGroups string[]

@description('Whether there is a workshop, whose VMs\' events are delivered.')
param workshop bool

var parts = split(platform, '/')
var home = toLower(parts[2]) == toLower(subscription().subscriptionId)
var topicGroup = home ? parts[4] : '${parts[4]}-events'
// Another subscription may have a deployment of the same name, on the same topic.
var prefix = home ? name : '${name}-${uniqueString(toLower(platform))}'
// By this tag `azd down` identifies the owner (infra/azd/topics.py).
var owned = union(tags, { 'stillframe-platform': platform })
var ofSubscriptionTopic = deadLetters && (empty(subscriptionTopic) || deadLettersOfExistingTopics)
var ofHealthTopic = deadLetters && (empty(healthTopic) || deadLettersOfExistingTopics)

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.appIdentity
  scope: resourceGroup(parts[2], parts[4])
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = if (makeGroup && !home && (empty(subscriptionTopic) || empty(healthTopic))) {
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
    tags: owned
  }
  dependsOn: [group]
}

module healthEvents 'topic.bicep' = if (empty(healthTopic)) {
  scope: resourceGroup(topicGroup)
  params: {
    name: '${name}-health'
    type: 'microsoft.resourcenotifications.healthresources'
    identified: deadLetters
    tags: owned
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
    wanted: concat(ofSubscription(prefix, app.properties.clientId), workshop ? ofWorkshop(prefix, names.workshop) : [])
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
    wanted: ofHealth(prefix)
    names: names
    platform: platform
    deadLetters: ofHealthTopic
  }
  dependsOn: [healthEvents, healthDeadLetters]
}

module ofSubscriptionEvents 'undelivered.bicep' = if (!empty(actionGroups)) {
  scope: resourceGroup(empty(subscriptionTopic) ? topicGroup : split(subscriptionTopic, '/')[4])
  params: {
    name: '${prefix}-subscription'
    topic: empty(subscriptionTopic) ? '${name}-subscription' : split(subscriptionTopic, '/')[8]
    actionGroups: actionGroups
    seeAlso: seeWorkbook(environment().portal, platform, names)
    tags: owned
  }
  dependsOn: [subscriptionEvents]
}

module ofHealthEvents 'undelivered.bicep' = if (!empty(actionGroups)) {
  scope: resourceGroup(empty(healthTopic) ? topicGroup : split(healthTopic, '/')[4])
  params: {
    name: '${prefix}-health'
    topic: empty(healthTopic) ? '${name}-health' : split(healthTopic, '/')[8]
    actionGroups: actionGroups
    seeAlso: seeWorkbook(environment().portal, platform, names)
    tags: owned
  }
  dependsOn: [healthEvents]
}
