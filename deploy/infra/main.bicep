// The resources of `azd up`: one resource group with the resources of app.bicep.
targetScope = 'subscription'

@description('The name of the azd environment. It is part of the resource group and the tags.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('An Azure region in which Flex Consumption is available.')
@minLength(1)
param location string

var tags = {
  'azd-env-name': environmentName
}

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module app 'app.bicep' = {
  name: 'app'
  scope: group
  params: {
    location: location
    tags: tags
    suffix: uniqueString(subscription().id, environmentName, location)
  }
}

output AZURE_LOCATION string = location
output SERVICE_APP_NAME string = app.outputs.name
output SERVICE_APP_URI string = app.outputs.uri
