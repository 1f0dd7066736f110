// Every server of this process listens on this machine alone: most of them name no address, and that is all of them.
import net from 'node:net'

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...asked) {
  const at = asked[0]
  if (typeof at === 'number' || typeof at === 'string') {
    const done = asked.find((each) => typeof each === 'function')
    return listen.call(this, { port: Number(at), host: '127.0.0.1' }, done)
  }
  if (at && typeof at === 'object' && 'port' in at) at.host = '127.0.0.1'
  return listen.apply(this, asked)
}
