// The minimum that captures: managed images, in a group given by its name, from VMs of one group, with
// neither proof nor package: the function app is deployed afterwards, then the events layer.
using '../platform/main.bicep'

param captureScope = ['/subscriptions/5a1e0000-0000-4000-8000-00000000a2e5/resourceGroups/builds']
param captureTarget = 'managed-image'
param imageResourceGroup = 'stillframe-images'
param galleryCapture = false
param proof = 'off'
