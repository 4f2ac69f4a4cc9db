// Everything that can be configured: two subscriptions, one of which already has its topics; orders in
// one whole subscription and in one group of the other; galleries in both; all optional permissions.
using '../platform/main.bicep'

var here = '/subscriptions/5a1e0000-0000-4000-8000-00000000a2e5'
var there = '/subscriptions/5a1e0000-0000-4000-8000-00000000b0b5'

param name = 'capture'
param resourceGroupName = 'capture-app'
param tags = { owner: 'image team' }
param subscriptions = [split(here, '/')[2], split(there, '/')[2]]
param captureScope = [here, '${there}/resourceGroups/builds']
param imageResourceGroup = '${here}/resourceGroups/images'
param moreImageResourceGroups = ['${there}/resourceGroups/galleries']
param proof = 'when-readable'
param entraOnlyDisks = true
param customerKeys = true
param workshop = true
param workshopRegions = ['West Europe', 'northeurope']
param bootTest = 'always'
param keepSource = 'when-asked'
param captureDisposes = true
param costGuardAction = 'deallocate'
param costGuardDeallocateAfter = 'PT12H'
param costGuardCurrency = 'EUR'
param alertEmail = 'images@example.com'
param alertWhenCaptured = true
param packageUri = 'https://example.com/stillframe.zip'
param deadLettersOfExistingTopics = true
param subscriptionTopics = [
  '${there}/resourceGroups/shared/providers/Microsoft.EventGrid/systemTopics/everything'
]
param healthTopics = [
  '${there}/resourceGroups/shared/providers/Microsoft.EventGrid/systemTopics/health'
]
