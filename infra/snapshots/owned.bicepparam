// Orders are carried out in one group only, but in the whole subscription the owner of a VM may have it
// deallocated as soon as it is stopped, by a tag.
using '../platform/main.bicep'

param captureTarget = 'golden/windows'
param imageResourceGroup = '/subscriptions/5a1e0000-0000-4000-8000-00000000a2e5/resourceGroups/images'
param captureScope = ['/subscriptions/5a1e0000-0000-4000-8000-00000000a2e5/resourceGroups/in-scope']
param offMeansOff = true
param packageUri = 'https://example.com/stillframe.zip'
