// The app's package, downloaded from a URL and deployed to where the app runs from. Flex Consumption
// supports this extension; the compiler knows only its name.

import { Names } from 'names.bicep'

@description('The names of the deployment\'s resources.')
param names Names

@description('URL of the package, built for Python 3.13 with its dependencies included.')
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
