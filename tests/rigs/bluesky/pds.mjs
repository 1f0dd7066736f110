// The server our account and the customers' live on. What it knows stands in `folder`: it may be killed and started.
import { mkdir } from 'node:fs/promises'
import { installed, wanted } from './told.mjs'

const { TestPds } = installed('@atproto/dev-env/dist/pds')
const { mockResolvers } = installed('@atproto/dev-env/dist/util')

const { port, folder, rotation, network } = wanted
await mkdir(folder, { recursive: true })
const pds = await TestPds.create({
  port, hostname: 'localhost', serviceHandleDomains: ['.test'], dataDirectory: folder,
  blobstoreDiskLocation: `${folder}/blobs`, plcRotationKeyK256PrivateKeyHex: rotation, didPlcUrl: network.plc,
  bskyAppViewUrl: network.view, bskyAppViewDid: network.viewDid,
  modServiceUrl: network.ozone, modServiceDid: network.ozoneDid,
})
mockResolvers(pds.ctx.idResolver, pds)
