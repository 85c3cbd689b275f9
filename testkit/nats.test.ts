import { expect, test } from 'bun:test'
import { connect } from 'node:net'
import { startNats, type Nats } from './nats.ts'

test('starts with JetStream, is killed, and restarts on the same port', async () => {
  await using nats = await startNats()
  expect(nats.url).toBe(`nats://127.0.0.1:${nats.port}`)
  expect(await greeting(nats)).toContain('"jetstream":true')
  const before = nats.pid
  await nats.kill9()
  await expect(greeting(nats)).rejects.toThrow()
  await nats.restart()
  expect(nats.pid).not.toBe(before)
  expect(await greeting(nats)).toContain('"auth_required":true')
}, 120_000)

test('accepts further configuration and runs without JetStream', async () => {
  await using nats = await startNats({ jetstream: false, config: 'max_payload: 65536' })
  const info = await greeting(nats)
  expect(info).toContain('"max_payload":65536')
  expect(info).not.toContain('"jetstream":true')
})

test('the error shows why a server did not start', async () => {
  await expect(startNats({ config: 'no_such_setting: 1' })).rejects.toThrow('no_such_setting')
})

/** The INFO line with which a server greets. */
function greeting({ port }: Nats): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('data', (data) => {
      socket.destroy()
      resolve(data.toString())
    })
  })
}
