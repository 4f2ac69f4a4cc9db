// The events of one or more subscriptions, delivered to the function app that is there already: Event
// Grid checks that a function exists when it is subscribed. A further subscription is one more in
// the list, or one more deployment of this layer.

targetScope = 'subscription'

import { namesOf, Tags } from '../modules/names.bicep'

@description('The name of the platform\'s deployment.')
@minLength(3)
@maxLength(20)
param name string = 'stillframe'

@description('Id of the platform\'s resource group; empty = the group of that name in this subscription.')
param platform string = ''

@description('Ids of the subscriptions whose events are wanted.')
@minLength(1)
param subscriptions string[] = [subscription().subscriptionId]

@description('The region of the resource groups that are made for topics in other subscriptions.')
param location string = deployment().location

@description('Tags on every resource.')
param tags Tags = {}

@description('Ids of the system topics that subscriptions have already; Azure allows one each.')
param subscriptionTopics string[] = []

@description('Ids of the health-resources topics that subscriptions have already.')
param healthTopics string[] = []

@description('Whether undelivered events are kept. An existing topic must have the dead-letter identity first.')
param deadLetters bool = true

@description('Whether those are told of undelivered events whom the platform sends its alerts to (its alertEmail).')
param alerts bool = false

var platformGroup = empty(platform) ? '${subscription().id}/resourceGroups/${name}' : platform

module watched '../modules/events.bicep' = [
  for id in subscriptions: {
    scope: subscription(id)
    params: {
      name: name
      names: namesOf(name, platformGroup)
      platform: platformGroup
      location: location
      tags: tags
      subscriptionTopic: first(filter(
        subscriptionTopics,
        one => startsWith(toLower(one), '/subscriptions/${toLower(id)}/')
      )) ?? ''
      healthTopic: first(filter(healthTopics, one => startsWith(toLower(one), '/subscriptions/${toLower(id)}/'))) ?? ''
      deadLetters: deadLetters
      alerts: alerts
    }
  }
]
