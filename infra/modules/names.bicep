// The names of all resources: the deployment's name and its resource group -> names, the same in
// each layer, so that no layer needs the outputs of another layer.

@export()
@description('The names of the deployment\'s resources.')
type Names = {
  @description('The identity of the app: all its permissions are granted to it.')
  appIdentity: string
  @description('The identity of the script that waits for the app, in a deployment that does everything at once.')
  waitIdentity: string
  @description('The function app; its address, and so its name, is globally unique.')
  functionApp: string
  @description('The Flex Consumption plan.')
  plan: string
  @description('The storage account of the app and of dead letters.')
  storage: string
  @description('The blob container of the app\'s package.')
  packages: string
  @description('The blob container of dead letters.')
  deadLetters: string
  @description('The blob container of the ledger.')
  ledger: string
  @description('The blob container of the report.')
  reports: string
  @description('The blob container of boot tests\' screenshots.')
  bootTests: string
  @description('The resource group of temporary VMs, in each watched subscription.')
  workshop: string
  @description('The Log Analytics workspace.')
  workspace: string
  @description('Application Insights.')
  insights: string
  @description('The workbook; a GUID, which Azure requires.')
  workbook: string
  @description('The action group that alerts are sent to.')
  people: string
  @description('The topic of outcome events.')
  outcomes: string
}

@export()
@description('Tags on every resource.')
type Tags = {
  @description('A tag\'s value, by its name.')
  *: string
}

@export()
@description('Returns the deployment\'s name; fails if no resource could have it: letters, digits and hyphens only.')
func checkedName(name string) string =>
  empty(filter(
      map(range(0, length(name)), at => substring(name, at, 1)),
      one => !contains('abcdefghijklmnopqrstuvwxyz0123456789-', toLower(one))
    )) && !startsWith(name, '-') && !endsWith(name, '-')
    ? name
    : fail('The name ${name} must consist of letters, digits and hyphens, with no hyphen at either end. With azd it is the environment\'s name; azd env set STILLFRAME_NAME sets another.')

@export()
@description('Returns the names of the resources of a deployment in that resource group (its id).')
func namesOf(name string, group string) Names => {
  appIdentity: '${name}-app'
  waitIdentity: '${name}-wait'
  functionApp: '${name}-${uniqueString(toLower(group), name)}'
  plan: '${name}-plan'
  storage: '${take(toLower(replace(name, '-', '')), 11)}${uniqueString(toLower(group), name)}'
  packages: 'packages'
  deadLetters: 'dead-letters'
  ledger: 'ledger'
  reports: 'reports'
  bootTests: 'boot-tests'
  workshop: '${name}-workshop'
  workspace: '${name}-logs'
  insights: '${name}-insights'
  workbook: guid(toLower(group), name, 'workbook')
  people: '${name}-people'
  outcomes: '${take(name, 27)}-outcomes-${uniqueString(toLower(group), name)}'
}

@export()
@description('Returns what an alert says at its end: where more is to be seen. The platform is its resource group\'s id.')
func seeWorkbook(portal string, platform string, names Names) string =>
  ' What Stillframe knows: ${portal}/#resource${platform}/providers/Microsoft.Insights/workbooks/${names.workbook}/workbook'
