// Copies only: the app may not deallocate, generalize or write any VM outside its workshop.
using '../platform/main.bicep'

param captureTarget = 'golden/windows'
param imageResourceGroup = '/subscriptions/5a1e0000-0000-4000-8000-00000000a2e5/resourceGroups/images'
param workshop = true
param bootTest = 'when-asked'
param keepSource = 'always'
param captureInPlace = false
param packageUri = 'https://example.com/stillframe.zip'
