// The least that captures: managed images, made in a group of their own, from VMs of one group, with
// neither proof nor package: the function app is deployed afterwards, then the events layer.
using 'platform/main.bicep'

param captureScope = ['/subscriptions/5a1e0000-0000-4000-8000-00000000a2e5/resourceGroups/builds']
param captureTarget = 'managed-image'
param galleryCapture = false
param proof = 'off'
