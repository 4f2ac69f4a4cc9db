// As usual, and an image is booted in the workshop, or a copy captured there, if the VM's owner asks for it.
using '../platform/main.bicep'

param captureTarget = 'golden/windows'
param imageResourceGroup = '/subscriptions/5a1e0000-0000-4000-8000-00000000a2e5/resourceGroups/images'
param workshop = true
param bootTest = 'when-asked'
param keepSource = 'when-asked'
param packageUri = 'https://example.com/stillframe.zip'
