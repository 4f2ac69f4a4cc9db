// Alerts if events of one topic were not delivered: dead-lettered, or dropped if that was not possible.
// They use the topic's own metrics, per event subscription; if others use the topic as well, theirs are
// included. That an action group may be in another subscription is inferred.

import { Tags } from 'names.bicep'

@description('What the alerts are named after.')
param name string

@description('The topic\'s name.')
param topic string

@description('Ids of the action groups that get the alerts.')
param actionGroups string[]

@description('What each alert says at its end.')
param seeAlso string

@description('Tags on every resource.')
param tags Tags

var lost = [
  {
    name: 'dead-lettered'
    metric: 'DeadLetteredCount'
    description: 'Events could not be delivered to Stillframe and are in the container of dead letters. The sweep handles what they reported; check why the app did not process them.'
  }
  {
    name: 'dropped'
    metric: 'DroppedEventCount'
    description: 'Events could not be delivered to Stillframe, and could not be dead-lettered either. The sweep handles what they reported; check why the app did not process them, and whether Event Grid may write to the container of dead letters.'
  }
]

resource from 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topic
}

resource alerts 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for one in lost: {
    name: '${name}-${one.name}'
    location: 'global'
    tags: tags
    properties: {
      description: '${one.description}${seeAlso}'
      severity: 2
      enabled: true
      scopes: [from.id]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: one.name
            metricNamespace: 'Microsoft.EventGrid/systemTopics'
            metricName: one.metric
            dimensions: [{ name: 'EventSubscriptionName', operator: 'Include', values: ['*'] }]
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: 0
          }
        ]
      }
      autoMitigate: true
      #disable-next-line use-resource-id-functions // these ids are parameters
      actions: [for id in actionGroups: { actionGroupId: id }]
    }
  }
]
