// Monitoring of the app: a workbook, and alert rules that notify an e-mail address and existing action
// groups. Each query is a separate file in queries/, and is tested on the lines that the app really logs.
// A rule fires when its query finds something. An alert is sent once, and per VM if it concerns a VM. Azure
// reports `resolved` when the query finds nothing more: that does not mean that a failed capture was fixed.

import { Names, seeWorkbook, Tags } from 'names.bicep'

@description('The deployment\'s name.')
param name string

@description('The names of the deployment\'s resources.')
param names Names

@description('The region.')
param location string

@description('Tags on every resource.')
param tags Tags

@description('The e-mail address that alerts are sent to; empty = none.')
param alertEmail string

@description('Ids of action groups that alerts are sent to; without these and an address there are no alerts.')
param actionGroups string[]

@description('Whether to also send an alert for every captured image.')
param alertWhenCaptured bool

@description('How long three sweeps take, an ISO 8601 duration.')
param heartbeatWithin string

@description('An alert rule: its name, its meaning and its query.')
type Rule = {
  @description('Its name, after the deployment\'s.')
  name: string
  @description('The text of its e-mail.')
  description: string
  @description('0 is critical, 4 is informational.')
  severity: int
  @description('The query; a result is an alert.')
  query: string
  @description('Columns for each of whose values there is a separate alert.')
  each: string[]
  @description('The subject of its e-mail, with values of the alert; else Azure\'s own.')
  subject: string?
  @description('How often it is evaluated.')
  every: string
  @description('The time window that it is evaluated over.')
  within: string
}

var rules Rule[] = [
  {
    name: 'no-heartbeat'
    description: 'No sweep has listed all subscriptions that Stillframe watches within the time of three sweeps. Lost events are not compensated, and stopped VMs are not reported. Check whether the function app runs and may list the subscriptions.'
    severity: 1
    query: loadTextContent('../queries/no-heartbeat.kql')
    each: []
    every: 'PT5M'
    within: heartbeatWithin
  }
  {
    name: 'capture-failed'
    description: 'There will be no image of this VM, or not without intervention. Its tag stillframe-detail has the reason.'
    severity: 2
    query: loadTextContent('../queries/capture-failed.kql')
    each: ['vm', 'reason']
    every: 'PT15M'
    within: 'PT30M'
  }
  {
    name: 'still-billed'
    description: 'This VM is stopped but not deallocated, and still billed. Start it, deallocate it, or set its tag stillframe-cost-guard to deallocate or ignore.'
    severity: 3
    query: loadTextContent('../queries/still-billed.kql')
    each: ['vm', 'owner']
    subject: 'Stillframe: a stopped VM of \${data.alertContext.condition.allOf[0].dimensions[1].value} is still billed'
    every: 'PT15M'
    within: heartbeatWithin
  }
]

var onRequest Rule[] = [
  {
    name: 'captured'
    description: 'An image of this VM is ready.'
    severity: 4
    query: loadTextContent('../queries/captured.kql')
    each: ['vm', 'image']
    every: 'PT15M'
    within: 'PT30M'
  }
]

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: names.insights
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(alertEmail)) {
  name: names.people
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: take(name, 12)
    emailReceivers: [{ name: 'operators', emailAddress: alertEmail, useCommonAlertSchema: true }]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in concat(rules, alertWhenCaptured ? onRequest : []): if (!empty(alertEmail) || !empty(actionGroups)) {
    name: '${name}-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Stillframe: ${rule.name}'
      description: '${rule.description}${seeWorkbook(environment().portal, resourceGroup().id, names)}'
      severity: rule.severity
      enabled: true
      scopes: [insights.id]
      evaluationFrequency: rule.every
      windowSize: rule.within
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            dimensions: [for column in rule.each: { name: column, operator: 'Include', values: ['*'] }]
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      autoMitigate: true
      // A new Application Insights may not have its table yet.
      skipQueryValidation: true
      actions: {
        actionGroups: concat(empty(alertEmail) ? [] : [people.id], actionGroups)
        // For e-mail; other action groups may use or ignore it.
        actionProperties: empty(rule.?subject) ? null : { 'Email.Subject': rule.?subject ?? '' }
      }
    }
  }
]

module workbook 'workbook.bicep' = {
  params: { names: names, location: location, tags: tags }
}
