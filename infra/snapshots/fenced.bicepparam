// As usual, but orders are carried out in one resource group only, and the app may change VMs only there.
using '../platform/main.bicep'

param captureScope = ['/subscriptions/5a1e0000-0000-4000-8000-00000000a2e5/resourceGroups/in-scope']
param captureTarget = 'golden/windows'
param imageResourceGroup = '/subscriptions/5a1e0000-0000-4000-8000-00000000a2e5/resourceGroups/images'
param packageUri = 'https://example.com/stillframe.zip'
