// As usual, but the cost guard deallocates: by tags, and by policy every VM that is stopped for a day; and an
// image is booted if its owner asks for it. The demo runs with its snapshot.
using '../platform/main.bicep'

param captureTarget = 'golden/windows'
param imageResourceGroup = '/subscriptions/5a1e0000-0000-4000-8000-00000000a2e5/resourceGroups/images'
param workshop = true
param bootTest = 'when-asked'
param keepSource = 'when-asked'
param costGuardAction = 'deallocate'
param costGuardDeallocateAfter = 'P1D'
param offMeansOff = true
param packageUri = 'https://example.com/stillframe.zip'
