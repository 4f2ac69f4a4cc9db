// The events of one or more subscriptions, delivered to the existing function app: Event Grid
// checks that a function exists when it is subscribed. For a further subscription add it to the list,
// or deploy this layer once more.

targetScope = 'subscription'

import { checkedName, namesOf } from '../modules/names.bicep'

@description('The name of the platform\'s deployment.')
@minLength(3)
@maxLength(32)
param name string = 'stillframe'

@description('Id of the platform\'s resource group; empty = the group of that name in this subscription.')
param platform string = ''

@description('Ids of the subscriptions whose events to subscribe to; none = this one.')
param subscriptions string[] = []

@description('The region of the resource groups that are created for topics in other subscriptions.')
param location string = deployment().location

@description('Whether to create the resource groups of topics in other subscriptions; otherwise they must exist.')
param makeGroups bool = true

@description('Tags on every resource.')
param tags { *: string } = {}

@description('Ids of existing system topics of the subscriptions; Azure allows one each.')
param subscriptionTopics string[] = []

@description('Ids of existing health-resources topics of the subscriptions.')
param healthTopics string[] = []

@description('Whether undelivered events of topics that are created here are kept.')
param deadLetters bool = true

@description('Whether undelivered events of existing topics are kept too; each topic needs its own identity.')
param deadLettersOfExistingTopics bool = false

@description('Whether the platform\'s own action group gets alerts about undelivered events: whether it has an alertEmail.')
param alerts bool = false

@description('Ids of your own action groups that get alerts about undelivered events.')
param actionGroups string[] = []

@description('Whether the platform has a workshop, whose VMs\' events are delivered.')
param workshop bool = false

var platformGroup = empty(platform) ? '${subscription().id}/resourceGroups/${checkedName(name)}' : platform
var names = namesOf(name, platformGroup)
var people = '${platformGroup}/providers/Microsoft.Insights/actionGroups/${names.people}'

// The first of some ids that is in a subscription, else empty.
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
      workshop: workshop
    }
  }
]
