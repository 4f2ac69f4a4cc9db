// Only the events layer, for one more subscription.
using '../events/main.bicep'

param platform = '/subscriptions/5a1e0000-0000-4000-8000-00000000a2e5/resourceGroups/stillframe'
param subscriptions = ['5a1e0000-0000-4000-8000-00000000b0b5']
param deadLetters = false
