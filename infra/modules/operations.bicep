// What people watch the app by: a workbook, and alert rules whose word goes to an e-mail address and to
// action groups that are there already. Each
// query is a file of its own in queries/, and is tried on the lines that the app really logs. A rule
// fires when its query finds something. It is told once, for each VM where it names one, and Azure says
// `resolved` when nothing more is found: of a capture that failed that is no word of mending.

import { Names, Tags } from 'names.bicep'

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

@description('Ids of action groups that alerts are sent to; without them and an address there are no alerts.')
param actionGroups string[]

@description('Whether every image that is captured is told.')
param alertWhenCaptured bool

@description('How long three sweeps take, an ISO 8601 duration.')
param heartbeatWithin string

@description('A rule: what it is called, what it means and how it is asked.')
type Rule = {
  @description('Its name, after the deployment\'s.')
  name: string
  @description('What its e-mail says.')
  description: string
  @description('0 is critical, 4 only informs.')
  severity: int
  @description('The query; what it finds is an alert.')
  query: string
  @description('Columns whose values are an alert each.')
  each: string[]
  @description('The subject of its e-mail, with values of the alert; else Azure\'s own.')
  subject: string?
  @description('How often it is asked.')
  every: string
  @description('Of what time it is asked.')
  within: string
}

var rules Rule[] = [
  {
    name: 'no-heartbeat'
    description: 'No sweep has listed all subscriptions that Stillframe watches for the time of three. Lost events are not compensated, and stopped VMs are not reported. Check whether the function app runs and may list the subscriptions.'
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
      description: rule.description
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
      // A new Application Insights may not know its own table yet.
      skipQueryValidation: true
      actions: {
        actionGroups: concat(empty(alertEmail) ? [] : [people.id], actionGroups)
        // Of a mail; what an action group of others does with it, if anything, is theirs.
        actionProperties: empty(rule.?subject) ? null : { 'Email.Subject': rule.?subject ?? '' }
      }
    }
  }
]

module workbook 'workbook.bicep' = {
  params: { names: names, location: location, tags: tags }
}
