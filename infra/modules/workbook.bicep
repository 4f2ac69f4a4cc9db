// The workbook: the sections of the report, and the heartbeat, for a time range that the reader selects.

import { Names, Tags } from 'names.bicep'

@description('The names of the deployment\'s resources.')
param names Names

@description('The region.')
param location string

@description('Tags on every resource.')
param tags Tags

@description('A query over the selected time range, and how its result is shown.')
type Part = {
  @description('The query\'s name.')
  name: string
  @description('Its title.')
  title: string
  @description('Its visualization.')
  shown: 'table' | 'linechart'
  @description('The query.')
  query: string
}

@description('Parts under one heading.')
type Section = {
  @description('The heading.')
  heading: string
  @description('The parts.')
  parts: Part[]
}

var sections Section[] = [
  {
    heading: 'At the last sweep'
    parts: [
      {
        name: 'last-sweep'
        title: 'What it found'
        shown: 'table'
        query: loadTextContent('../queries/last-sweep.kql')
      }
    ]
  }
  {
    heading: 'Stopped, but still billed'
    parts: [
      {
        name: 'still-billed'
        title: 'Now, for longer than the grace period, the dearest first'
        shown: 'table'
        query: loadTextContent('../queries/still-billed.kql')
      }
      {
        name: 'billed-money'
        title: 'Cost per day, list price'
        shown: 'linechart'
        query: loadTextContent('../queries/billed-money.kql')
      }
      {
        name: 'billed-vms'
        title: 'Number of VMs, and of those without a known price'
        shown: 'linechart'
        query: loadTextContent('../queries/billed-vms.kql')
      }
    ]
  }
  {
    heading: 'Orders'
    parts: [
      {
        name: 'capture-failed'
        title: 'Failed or stuck, with the reason'
        shown: 'table'
        query: loadTextContent('../queries/capture-failed.kql')
      }
      {
        name: 'refused'
        title: 'Refused, with the reason'
        shown: 'table'
        query: loadTextContent('../queries/refused.kql')
      }
      {
        name: 'in-flight'
        title: 'In progress, and for how long'
        shown: 'table'
        query: loadTextContent('../queries/in-flight.kql')
      }
      {
        name: 'orders'
        title: 'Orders by status'
        shown: 'linechart'
        query: loadTextContent('../queries/orders.kql')
      }
    ]
  }
  {
    heading: 'Images'
    parts: [
      {
        name: 'images'
        title: 'Tested or captured, the newest first'
        shown: 'table'
        query: loadTextContent('../queries/images.kql')
      }
      {
        name: 'captured'
        title: 'How long captures took'
        shown: 'table'
        query: loadTextContent('../queries/captured.kql')
      }
    ]
  }
  {
    heading: 'Left behind'
    parts: [
      {
        name: 'left-behind'
        title: 'Captured VMs and their disks, list price; gallery versions'
        shown: 'table'
        query: loadTextContent('../queries/left-behind.kql')
      }
    ]
  }
  {
    heading: 'Ended'
    parts: [
      {
        name: 'billed-over'
        title: 'No longer billed, with the total'
        shown: 'table'
        query: loadTextContent('../queries/billed-over.kql')
      }
      {
        name: 'deallocated'
        title: 'Deallocated by Stillframe, and what an hour saves'
        shown: 'table'
        query: loadTextContent('../queries/deallocated.kql')
      }
    ]
  }
  {
    heading: 'Heartbeat'
    parts: [
      {
        name: 'sweeps'
        title: 'Sweeps, hour by hour'
        shown: 'table'
        query: loadTextContent('../queries/sweeps.kql')
      }
    ]
  }
]

var day = 86400000
var time = {
  type: 9
  name: 'time'
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'above'
    queryType: 0
    resourceType: 'microsoft.insights/components'
    parameters: [
      {
        version: 'KqlParameterItem/1.0'
        id: guid('stillframe', 'time')
        name: 'Time'
        type: 4
        isRequired: true
        value: { durationMs: day }
        typeSettings: {
          allowCustom: true
          selectableValues: map([day / 24, day, 7 * day, 14 * day, 30 * day], one => { durationMs: one })
        }
      }
    ]
  }
}

var items = flatten(map(
  sections,
  section =>
    concat(
      [{ type: 1, name: section.heading, content: { json: '## ${section.heading}' } }],
      map(section.parts, part => {
        type: 3
        name: part.name
        content: {
          version: 'KqlItem/1.0'
          query: part.query
          size: 0
          title: part.title
          noDataMessage: 'Nothing in this time.'
          timeContextFromParameter: time.content.parameters[0].name
          queryType: 0
          resourceType: 'microsoft.insights/components'
          visualization: part.shown
        }
      })
    )
))

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: names.insights
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: names.workbook
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Stillframe'
    category: 'workbook'
    sourceId: insights.id
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([time], items)
      fallbackResourceIds: [insights.id]
    })
  }
}
