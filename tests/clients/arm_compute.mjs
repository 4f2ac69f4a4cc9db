// Microsoft's compute client for Node drives the simulator. Prints one line of JSON a step: its name, its
// seconds, and what was wrong or null. The VM `web` in the group `rg-node` is there, generalized by its guest.
import assert from 'node:assert/strict'

import { ComputeManagementClient } from '@azure/arm-compute'
import { ClientSecretCredential, ManagedIdentityCredential } from '@azure/identity'

const GROUP = 'rg-node'
const {
  ARM_ENDPOINT: endpoint,
  AZURE_TENANT_ID: tenant,
  AZURE_CLIENT_ID: clientId,
  AZURE_SUBSCRIPTION_ID: subscription
} = process.env
const compute = `/subscriptions/${subscription}/resourceGroups/${GROUP}/providers/Microsoft.Compute`
const location = 'westeurope'
const quickly = { updateIntervalInMs: 200 }

async function step (name, act) {
  const begun = performance.now()
  let wrong = null
  try {
    await act()
  } catch (error) {
    wrong = `${error.name} ${error.code ?? ''}: ${error.message}`
  }
  console.log(JSON.stringify({ name, seconds: (performance.now() - begun) / 1000, wrong }))
}

async function all (pages) {
  const found = []
  for await (const one of pages) found.push(one)
  return found
}

async function names (pages) {
  return (await all(pages)).map(one => one.name)
}

function client (credential) {
  // The endpoint's own address is an audience that ARM takes.
  return new ComputeManagementClient(credential, subscription, { endpoint, ...quickly })
}

async function refused (promise, status, code) {
  await assert.rejects(promise, error => {
    assert.deepEqual([error.statusCode, error.code], [status, code])
    return true
  })
}

const secret = new ClientSecretCredential(tenant, clientId, 'owner-secret', {
  authorityHost: endpoint,
  disableInstanceDiscovery: true
})
const azure = client(secret)

await step('virtualMachines.listAll, by client secret', async () => {
  assert.deepEqual(await names(azure.virtualMachines.listAll()), ['web', 'spare'])
})
await step('virtualMachines.list, by managed identity', async () => {
  const managed = client(new ManagedIdentityCredential({ clientId }))
  assert.deepEqual(await names(managed.virtualMachines.list(GROUP)), ['web', 'spare'])
})
await step('a wrong secret', async () => {
  const wrong = new ClientSecretCredential(tenant, clientId, 'wrong', {
    authorityHost: endpoint,
    disableInstanceDiscovery: true
  })
  await assert.rejects(all(client(wrong).virtualMachines.listAll()), /AADSTS7000215/)
})
await step('virtualMachines.listAll, statusOnly', async () => {
  const found = await all(azure.virtualMachines.listAll({ statusOnly: 'true' }))
  const codes = found[0].instanceView.statuses.map(one => one.code)
  assert.ok(codes.includes('PowerState/running'), codes.join())
})
await step('virtualMachines.get', async () => {
  const vm = await azure.virtualMachines.get(GROUP, 'web')
  assert.equal(vm.provisioningState, 'Succeeded')
  assert.equal(vm.storageProfile.osDisk.osType, 'Windows')
  assert.equal(vm.osProfile.computerName, 'web')
  assert.ok(vm.timeCreated instanceof Date)
})
await step('virtualMachines.get, $expand', async () => {
  const vm = await azure.virtualMachines.get(GROUP, 'web', { expand: 'instanceView' })
  assert.equal(vm.instanceView.hyperVGeneration, 'V1')
  assert.ok(vm.instanceView.statuses[0].time instanceof Date)
})
await step('virtualMachines.instanceView', async () => {
  const view = await azure.virtualMachines.instanceView(GROUP, 'web')
  assert.deepEqual(view.statuses.map(one => one.code), ['ProvisioningState/succeeded', 'PowerState/running'])
  assert.equal(view.vmAgent.statuses[0].displayStatus, 'Ready')
})
await step('virtualMachines.update', async () => {
  const vm = await azure.virtualMachines.update(GROUP, 'spare', { tags: { team: 'red' } })
  assert.deepEqual(vm.tags, { team: 'red' })
})
await step('virtualMachines.powerOff, start, restart', async () => {
  await azure.virtualMachines.powerOff(GROUP, 'web')
  const off = await azure.virtualMachines.instanceView(GROUP, 'web')
  assert.equal(off.statuses[1].code, 'PowerState/stopped')
  await azure.virtualMachines.start(GROUP, 'web')
  await azure.virtualMachines.restart(GROUP, 'web')
  const on = await azure.virtualMachines.instanceView(GROUP, 'web')
  assert.equal(on.statuses[1].code, 'PowerState/running')
})
await step('virtualMachines.generalize, of one that runs', async () => {
  await refused(azure.virtualMachines.generalize(GROUP, 'web'), 409, 'OperationNotAllowed')
})
await step('virtualMachines.deallocate', async () => {
  await azure.virtualMachines.deallocate(GROUP, 'web')
  const view = await azure.virtualMachines.instanceView(GROUP, 'web')
  assert.equal(view.statuses.at(-1).code, 'PowerState/deallocated')
})
await step('virtualMachines.generalize', async () => {
  await azure.virtualMachines.generalize(GROUP, 'web')
  const view = await azure.virtualMachines.instanceView(GROUP, 'web')
  assert.ok(view.statuses.some(one => one.code === 'OSState/generalized'))
})
await step('images.createOrUpdate, get, list', async () => {
  const image = await azure.images.createOrUpdate(GROUP, 'golden', {
    location,
    hyperVGeneration: 'V1',
    sourceVirtualMachine: { id: `${compute}/virtualMachines/web` }
  })
  assert.equal(image.provisioningState, 'Succeeded')
  assert.equal((await azure.images.get(GROUP, 'golden')).storageProfile.osDisk.osState, 'Generalized')
  assert.deepEqual(await names(azure.images.list()), ['golden'])
  assert.deepEqual(await names(azure.images.listByResourceGroup(GROUP)), ['golden'])
})
await step('galleries.createOrUpdate, update, list', async () => {
  const gallery = await azure.galleries.createOrUpdate(GROUP, 'shelf', { location, description: 'some' })
  assert.equal(gallery.provisioningState, 'Succeeded')
  await azure.galleries.update(GROUP, 'shelf', { tags: { team: 'red' } })
  assert.deepEqual((await azure.galleries.get(GROUP, 'shelf')).tags, { team: 'red' })
  assert.deepEqual(await names(azure.galleries.list()), ['shelf'])
  assert.deepEqual(await names(azure.galleries.listByResourceGroup(GROUP)), ['shelf'])
})
await step('galleryImages.createOrUpdate, listByGallery', async () => {
  const definition = await azure.galleryImages.createOrUpdate(GROUP, 'shelf', 'web', {
    location,
    osType: 'Windows',
    osState: 'Generalized',
    hyperVGeneration: 'V1',
    identifier: { publisher: 'me', offer: 'web', sku: 'v1' }
  })
  assert.equal(definition.provisioningState, 'Succeeded')
  assert.deepEqual(await names(azure.galleryImages.listByGallery(GROUP, 'shelf')), ['web'])
})
await step('galleryImageVersions.createOrUpdate', async () => {
  const version = await azure.galleryImageVersions.createOrUpdate(GROUP, 'shelf', 'web', '1.0.0', {
    location,
    storageProfile: { source: { virtualMachineId: `${compute}/virtualMachines/web` } },
    publishingProfile: { targetRegions: [{ name: location }, { name: 'northeurope' }] }
  })
  assert.equal(version.provisioningState, 'Succeeded')
  assert.deepEqual(version.publishingProfile.targetRegions.map(one => one.name), ['West Europe', 'North Europe'])
})
await step('galleryImageVersions.get, $expand', async () => {
  const expand = 'ReplicationStatus'
  const version = await azure.galleryImageVersions.get(GROUP, 'shelf', 'web', '1.0.0', { expand })
  assert.equal(version.replicationStatus.aggregatedState, 'Completed')
  assert.equal(version.replicationStatus.summary.length, 2)
  assert.ok(version.publishingProfile.publishedDate instanceof Date)
})
await step('galleryImageVersions.update, list', async () => {
  await azure.galleryImageVersions.update(GROUP, 'shelf', 'web', '1.0.0', {
    publishingProfile: { excludeFromLatest: true }
  })
  const [version] = await all(azure.galleryImageVersions.listByGalleryImage(GROUP, 'shelf', 'web'))
  assert.equal(version.publishingProfile.excludeFromLatest, true)
  assert.equal(version.publishingProfile.targetRegions.length, 2)
})
await step('disks: createOrUpdate, update, get, list', async () => {
  const disk = await azure.disks.createOrUpdate(GROUP, 'data', {
    location,
    creationData: { createOption: 'Empty' },
    diskSizeGB: 8,
    sku: { name: 'Standard_LRS' }
  })
  assert.deepEqual([disk.provisioningState, disk.diskState], ['Succeeded', 'Unattached'])
  await azure.disks.update(GROUP, 'data', { tags: { team: 'red' } })
  assert.deepEqual((await azure.disks.get(GROUP, 'data')).tags, { team: 'red' })
  assert.ok((await names(azure.disks.listByResourceGroup(GROUP))).includes('data'))
  assert.equal((await all(azure.disks.list())).length, 3)
})
await step('disks.grantAccess, revokeAccess', async () => {
  const access = await azure.disks.grantAccess(GROUP, 'data', { access: 'Read', durationInSeconds: 600 })
  assert.match(access.accessSAS, /^https:/)
  await azure.disks.revokeAccess(GROUP, 'data')
  assert.equal((await azure.disks.get(GROUP, 'data')).diskState, 'Unattached')
})
await step('snapshots: createOrUpdate, list, delete', async () => {
  const snapshot = await azure.snapshots.createOrUpdate(GROUP, 'snap', {
    location,
    creationData: { createOption: 'Copy', sourceResourceId: `${compute}/disks/data` }
  })
  assert.equal(snapshot.provisioningState, 'Succeeded')
  assert.deepEqual(await names(azure.snapshots.listByResourceGroup(GROUP)), ['snap'])
  await azure.snapshots.delete(GROUP, 'snap')
  assert.deepEqual(await names(azure.snapshots.list()), [])
})
await step('snapshots.update', async () => {
  await azure.snapshots.createOrUpdate(GROUP, 'snap', {
    location,
    creationData: { createOption: 'Copy', sourceResourceId: `${compute}/disks/data` }
  })
  const changed = await azure.snapshots.update(GROUP, 'snap', { tags: { team: 'red' } })
  assert.deepEqual(changed.tags, { team: 'red' })
})
await step('lists a page at a time', async () => {
  const sizes = []
  for await (const page of azure.disks.list().byPage()) sizes.push(page.length)
  assert.deepEqual(sizes, [3])
})
await step('404 of a VM', async () => {
  await refused(azure.virtualMachines.get(GROUP, 'nobody'), 404, 'ResourceNotFound')
})
await step('404 of a group', async () => {
  await refused(all(azure.virtualMachines.list('nowhere')), 404, 'ResourceGroupNotFound')
})
await step('409 of a generalized VM', async () => {
  await refused(Promise.resolve(azure.virtualMachines.start(GROUP, 'web')), 409, 'OperationNotAllowed')
})
await step('400 of a version without a source', async () => {
  const version = azure.galleryImageVersions.createOrUpdate(GROUP, 'shelf', 'web', '1.0.1', { location })
  await assert.rejects(Promise.resolve(version), error => error.statusCode === 400)
})
await step('412 of an old version of a VM', async () => {
  const options = { ifMatch: '"0"' }
  const update = azure.virtualMachines.update(GROUP, 'spare', { tags: {} }, options)
  await assert.rejects(Promise.resolve(update), error => error.statusCode === 412)
})
await step('delete, from the version to the VM', async () => {
  await azure.galleryImageVersions.delete(GROUP, 'shelf', 'web', '1.0.0')
  await azure.galleryImages.delete(GROUP, 'shelf', 'web')
  await azure.galleries.delete(GROUP, 'shelf')
  await azure.images.delete(GROUP, 'golden')
  await azure.virtualMachines.delete(GROUP, 'web')
  assert.deepEqual(await names(azure.virtualMachines.listAll()), ['spare'])
  assert.deepEqual(await names(azure.galleries.list()), [])
})
