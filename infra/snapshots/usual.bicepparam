// The most common deployment: one subscription, captures into galleries and managed images, proof
// required, bills flagged. The story tests run with its snapshot.
using '../platform/main.bicep'

param captureTarget = 'golden/windows'
param imageResourceGroup = '/subscriptions/5a1e0000-0000-4000-8000-00000000a2e5/resourceGroups/images'
param packageUri = 'https://example.com/stillframe.zip'
