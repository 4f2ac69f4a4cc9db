// The events of one or more subscriptions, delivered to the function app that is there already: Event
// Grid checks that a function exists when it is subscribed. A further subscription is one more in
// the list, or one more deployment of this layer.

targetScope = 'subscription'

import { checkedName, namesOf } from '../modules/names.bicep'

@description('The name of the platform\'s deployment.')
@minLength(3)
@maxLength(32)
param name string = 'stillframe'

@description('Id of the platform\'s resource group; empty = the group of that name in this subscription.')
param platform string = ''

@description('Ids of the subscriptions whose events are wanted; none = this one.')
param subscriptions string[] = []

@description('The region of the resource groups that are made for topics in other subscriptions.')
param location string = deployment().location

@description('Whether the resource groups are made that topics in other subscriptions lie in; else they must be there.')
param makeGroups bool = true

@description('Tags on every resource.')
param tags { *: string } = {}

@description('Ids of the system topics that subscriptions have already; Azure allows one each.')
param subscriptionTopics string[] = []

@description('Ids of the health-resources topics that subscriptions have already.')
param healthTopics string[] = []

@description('Whether undelivered events are kept, of topics that are made here.')
param deadLetters bool = true

@description('Whether undelivered events of topics that were there already are kept too; each must have an identity of its own.')
param deadLettersOfExistingTopics bool = false

@description('Whether the platform\'s own action group is told of undelivered events: whether it has an alertEmail.')
param alerts bool = false

@description('Ids of action groups of yours that are told of undelivered events.')
param actionGroups string[] = []

var platformGroup = empty(platform) ? '${subscription().id}/resourceGroups/${checkedName(name)}' : platform
var names = namesOf(name, platformGroup)
var people = '${platformGroup}/providers/Microsoft.Insights/actionGroups/${names.people}'

// The first of some ids that lies in a subscription, else empty.
func idIn(subscriptionId string, ids string[]) string =>
  first(filter(ids, id => startsWith(toLower(id), '/subscriptions/${toLower(subscriptionId)}/'))) ?? ''

module watched '../modules/events.bicep' = [
  for id in empty(subscriptions) ? [subscription().subscriptionId] : subscriptions: {
    scope: subscription(id)
    params: {
      name: name
      names: names
      platform: platformGroup
      location: location
      makeGroup: makeGroups
      tags: tags
      subscriptionTopic: idIn(id, subscriptionTopics)
      healthTopic: idIn(id, healthTopics)
      deadLetters: deadLetters
      deadLettersOfExistingTopics: deadLettersOfExistingTopics
      actionGroups: concat(alerts ? [people] : [], actionGroups)
    }
  }
]
