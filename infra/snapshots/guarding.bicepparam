// As usual, but that what stands stopped for a day is deallocated, ordered or not.
using '../platform/main.bicep'

param captureTarget = 'golden/windows'
param imageResourceGroup = '/subscriptions/5a1e0000-0000-4000-8000-00000000a2e5/resourceGroups/images'
param costGuardAction = 'deallocate'
param costGuardDeallocateAfter = 'P1D'
param packageUri = 'https://example.com/stillframe.zip'
