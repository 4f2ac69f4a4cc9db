// The app's package, fetched from an address and put where the app runs from. Flex Consumption knows
// this extension; the compiler knows it only by its name.

import { Names } from 'names.bicep'

@description('The names of the deployment\'s resources.')
param names Names

@description('Where the package lies; built for Python 3.13 with its dependencies in it.')
param packageUri string

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: names.functionApp

  resource package 'extensions' = {
    name: 'onedeploy'
    #disable-next-line BCP187 // the type of this extension has no properties yet
    properties: {
      packageUri: packageUri
      remoteBuild: false
    }
  }
}
