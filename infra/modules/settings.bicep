// The operator's choices, which become the app's settings and determine its permissions.

@export()
@description('What a disk must show before its VM is generalized.')
type Proof = 'required' | 'when-readable' | 'off'

@export()
@description('How a Linux disk whose /etc/machine-id was not emptied is judged.')
type ProofMachineId = 'warn' | 'required'

@export()
@description('What to do about a VM that is stopped but still billed.')
type CostGuardAction = 'flag' | 'deallocate'

@export()
@description('How often a VM that is stopped but billed is reported.')
type CostGuardTell = 'daily' | 'weekly' | 'once'

@export()
@description('From where storage and the outcome topic can be reached: the internet, protected by identity only, or one network.')
type Networking = 'public' | 'private'

@export()
@description('Which images are booted before they are captured.')
type BootTest = 'off' | 'when-asked' | 'always'

@export()
@description('Whether copies of VMs are captured, and the VMs left as they are.')
type KeepSource = 'off' | 'when-asked' | 'always'

@export()
@description('The app\'s settings; docs/operations.md describes each.')
type Settings = {
  @description('Ids of the subscriptions to watch.')
  subscriptions: string[]
  @description('Ids of subscriptions and resource groups in which orders are carried out; none = everywhere.')
  captureScope: string[]
  @description('What the order `yes` means.')
  captureTarget: string
  @description('Ids of the groups, galleries and image definitions that orders may name.')
  captureAllowedTargets: string[]
  @description('Whether an order may name a version above the date-based versions.')
  captureAnyVersion: bool
  @description('Id of the resource group of galleries named by tag, and of managed images.')
  imageResourceGroup: string
  @description('What a disk must show before its VM is generalized.')
  proof: Proof
  @description('How a Linux disk whose /etc/machine-id was not emptied is judged.')
  proofMachineId: ProofMachineId
  @description('The resource group of temporary VMs; empty = none.')
  workshop: string
  @description('Which images are booted before they are captured.')
  bootTest: BootTest
  @description('Whether copies of VMs are captured, and the VMs left as they are.')
  keepSource: KeepSource
  @description('Whether VMs themselves are captured, not only copies of them.')
  captureInPlace: bool
  @description('Whether a tag may have a captured VM deleted.')
  captureDisposes: bool
  @description('What to do about a VM that is stopped but still billed.')
  costGuardAction: CostGuardAction
  @description('How long a VM may be stopped but billed before it is reported, an ISO 8601 duration.')
  costGuardGrace: string
  @description('How long a VM may be stopped but billed before it is deallocated, an ISO 8601 duration.')
  costGuardDeallocateAfter: string
  @description('Whether a tag of a VM or its resource group may have it deallocated as soon as it is stopped.')
  offMeansOff: bool
  @description('How often a VM that is stopped but billed is reported.')
  costGuardTell: CostGuardTell
  @description('What list prices are multiplied by.')
  costGuardPriceFactor: string
  @description('The currency of list prices.')
  costGuardCurrency: string
  @description('The price list; empty = no prices are reported.')
  pricesEndpoint: string
  @description('When the sweep runs, NCRONTAB with six fields.')
  sweepSchedule: string
  @description('Whether nothing is written to Azure.')
  dryRun: bool
}
