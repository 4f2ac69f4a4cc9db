// The function app on its Flex Consumption plan. It has no secret: it authenticates to storage, logs, topic
// and ARM by its identity. Its settings are those of `shared/model/settings.py` and the host's own.

import { Names, Tags } from 'names.bicep'
import { Settings } from 'settings.bicep'

@description('The names of the deployment\'s resources.')
param names Names

@description('The region.')
param location string

@description('Tags on every resource.')
param tags Tags

@description('The operator\'s choices.')
param settings Settings

@description('How many instances may run at once.')
param maximumInstanceCount int

@description('Number of always ready instances.')
param alwaysReady int

@description('Whether instances are zone redundant.')
param zoneRedundant bool

@description('Id of the subnet for the app\'s outbound traffic; empty = none.')
param subnet string

@description('Memory of an instance, MB.')
param instanceMemoryMB int

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: names.appIdentity
}

resource storage 'Microsoft.Storage/storageAccounts@2026-06-01' existing = {
  name: names.storage
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: names.insights
}

resource outcomes 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: names.outcomes
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: names.plan
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: names.functionApp
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${names.packages}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: { name: 'python', version: '3.13' }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        // Event Grid delivers by HTTP, so its functions scale in the http group.
        alwaysReady: alwaysReady == 0 ? [] : [{ name: 'http', instanceCount: alwaysReady }]
      }
    }
    httpsOnly: true
    serverFarmId: plan.id
    virtualNetworkSubnetId: empty(subnet) ? null : subnet
    outboundVnetRouting: empty(subnet) ? null : { allTraffic: true }
    siteConfig: {
      ftpsState: 'Disabled'
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
    }
  }

  resource settingsOfApp 'config' = {
    name: 'appsettings'
    properties: {
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
      APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
      ARM_ENDPOINT: environment().resourceManager
      AZURE_CLIENT_ID: identity.properties.clientId
      AzureWebJobsStorage__accountName: storage.name
      AzureWebJobsStorage__clientId: identity.properties.clientId
      AzureWebJobsStorage__credential: 'managedidentity'
      BOOT_DIAGNOSTICS: empty(settings.workshop) ? '' : '${storage.properties.primaryEndpoints.blob}${names.bootTests}'
      BOOT_TEST: settings.bootTest
      CAPTURE_ALLOWED_TARGETS: join(settings.captureAllowedTargets, ',')
      CAPTURE_ANY_VERSION: string(settings.captureAnyVersion)
      CAPTURE_DISPOSES: string(settings.captureDisposes)
      CAPTURE_IN_PLACE: string(settings.captureInPlace)
      CAPTURE_SCOPE: join(settings.captureScope, ',')
      CAPTURE_TARGET: settings.captureTarget
      COST_GUARD_ACTION: settings.costGuardAction
      COST_GUARD_CURRENCY: settings.costGuardCurrency
      COST_GUARD_DEALLOCATE_AFTER: settings.costGuardDeallocateAfter
      COST_GUARD_GRACE: settings.costGuardGrace
      COST_GUARD_OFF_MEANS_OFF: string(settings.offMeansOff)
      COST_GUARD_PRICE_FACTOR: settings.costGuardPriceFactor
      COST_GUARD_TELL: settings.costGuardTell
      DRY_RUN: string(settings.dryRun)
      IMAGE_RESOURCE_GROUP: settings.imageResourceGroup
      KEEP_SOURCE: settings.keepSource
      LEDGER: '${storage.properties.primaryEndpoints.blob}${names.ledger}'
      OUTCOME_TOPIC: outcomes.properties.endpoint
      PRICES_ENDPOINT: settings.pricesEndpoint
      PROOF: settings.proof
      PROOF_MACHINE_ID: settings.proofMachineId
      REPORT: '${storage.properties.primaryEndpoints.blob}${names.reports}'
      SUBSCRIPTIONS: join(settings.subscriptions, ',')
      SWEEP_SCHEDULE: settings.sweepSchedule
      WORKSHOP: settings.workshop
    }
  }

  resource noFtpPassword 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource noScmPassword 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}
