// The app's permissions in a resource group of images: write managed images and gallery versions there,
// and nowhere else. The role is defined in the group itself. The group is the operator's: nothing here
// creates it, and at most a lock is put on it.

@description('The deployment\'s name.')
param name string

@description('Id of the platform\'s resource group.')
param platform string

@description('Id of the principal that the role is granted to.')
param principalId string

@description('Whether gallery image versions may be created.')
param galleryCapture bool

@description('Whether managed images may be created.')
param managedImages bool

@description('Whether the contents of the group are protected from deletion.')
param lock bool

resource images 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, toLower(platform), name, 'images')
  properties: {
    roleName: 'Stillframe images (${name} of ${split(platform, '/')[2]} in ${resourceGroup().name} ${uniqueString(resourceGroup().id)})'
    description: 'Create images and gallery image versions, list and tag them.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: concat(
          ['Microsoft.Authorization/permissions/read', 'Microsoft.Resources/tags/write'],
          galleryCapture
            ? [
                'Microsoft.Compute/galleries/read'
                'Microsoft.Compute/galleries/images/read'
                'Microsoft.Compute/galleries/images/versions/read'
                'Microsoft.Compute/galleries/images/versions/write'
              ]
            : [],
          managedImages ? ['Microsoft.Compute/images/read', 'Microsoft.Compute/images/write'] : []
        )
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
  }
}

module granted 'assignment.bicep' = {
  params: { principalId: principalId, roleDefinitionId: images.id }
}

resource noDeletion 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  name: '${name}-images'
  properties: {
    level: 'CanNotDelete'
    notes: 'Golden images created by Stillframe. Remove this lock before you delete any.'
  }
}
