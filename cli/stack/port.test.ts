import { expect, test } from 'bun:test'
import type { Exit } from '../exit.ts'
import { requirePort, freePort } from './port.ts'

test('a port that somebody listens on is named, with another one to take', async () => {
  const port = await freePort()
  // As Elysia does: another listener of its kind would share this port without a word.
  using _ = Bun.serve({ port, hostname: '127.0.0.1', reusePort: true, fetch: () => new Response() })
  const error = (await requirePort('127.0.0.1', port).catch((thrown: Exit) => thrown)) as Exit
  expect(error).toMatchObject({
    code: 2,
    field: 'PIXELFLOW_HTTP_PORT',
    message: `Port ${port} of 127.0.0.1 is taken by another program.`,
  })
  const other = Number(/PIXELFLOW_HTTP_PORT=(\d+)/.exec(error.remedy ?? '')?.[1])
  expect(other).toBeGreaterThan(port)
})

test('the variable of the port at fault is named', async () => {
  const port = await freePort()
  using _ = Bun.serve({ port, hostname: '127.0.0.1', fetch: () => new Response() })
  await expect(requirePort('127.0.0.1', port, 'PIXELFLOW_GRPC_PORT')).rejects.toMatchObject({
    field: 'PIXELFLOW_GRPC_PORT',
    remedy: expect.stringMatching(/PIXELFLOW_GRPC_PORT=\d+/),
  })
})

test('a free port and any port are fine', async () => {
  await requirePort('127.0.0.1', await freePort())
  await requirePort('127.0.0.1', 0)
})

test('an address of another machine is named', async () => {
  await expect(requirePort('192.0.2.1', 3000)).rejects.toMatchObject({ code: 2, field: 'PIXELFLOW_HOST' })
})
