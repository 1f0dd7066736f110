// The network around the server of accounts: the directory of names (PLC), the AppView, the moderators (Ozone).
// `@atproto/dev-env` has all of it in one process; here that server is another, so that it can be killed (pds.mjs).
import { rename, writeFile } from 'node:fs/promises'
import { installed, wanted } from './told.mjs'

const { TestBsky } = installed('@atproto/dev-env/dist/bsky')
const { TestOzone } = installed('@atproto/dev-env/dist/ozone')
const { TestPlc } = installed('@atproto/dev-env/dist/plc')
const { mockResolvers } = installed('@atproto/dev-env/dist/util')

const { ports, database, told } = wanted
const home = `http://localhost:${ports.pds}`

const plc = await TestPlc.create({ port: ports.plc })
const view = await TestBsky.create({
  port: ports.view, publicUrl: `http://127.0.0.1:${ports.view}`, plcUrl: plc.url, pdsPort: ports.pds,
  repoProvider: `ws://localhost:${ports.pds}`, dbPostgresUrl: database, dbPostgresSchema: 'view',
})
const server = { // as much of the other process as is needed to find an account by its name
  url: home, port: ports.pds,
  ctx: { cfg: { service: { publicUrl: home }, identity: { serviceHandleDomains: ['.test'] } } },
}
mockResolvers(view.ctx.idResolver, server)
mockResolvers(view.dataplane.idResolver, server)
const ozone = await TestOzone.create({
  port: ports.ozone, plcUrl: plc.url, dbPostgresUrl: database, dbPostgresSchema: 'ozone',
  appviewUrl: view.url, appviewDid: view.serverDid, pdsUrl: home, pdsDid: 'did:web:localhost',
})

const names = { plc: plc.url, view: view.url, viewDid: view.serverDid, ozone: ozone.url, ozoneDid: ozone.ctx.cfg.service.did }
await writeFile(`${told}.new`, JSON.stringify(names))
await rename(`${told}.new`, told)
