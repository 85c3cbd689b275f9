import { expect, test } from 'bun:test'
import type { CliError } from '../cli-error.ts'
import { requireFreePort, findFreePort } from './port.ts'

test('a port in use is an error with a free port', async () => {
  const port = await findFreePort()
  // Like Elysia, which shares the port with other listeners of this kind.
  using _ = Bun.serve({ port, hostname: '127.0.0.1', reusePort: true, fetch: () => new Response() })
  const error = (await requireFreePort('127.0.0.1', port).catch((thrown: CliError) => thrown)) as CliError
  expect(error).toMatchObject({
    code: 2,
    field: 'PIXELFLOW_HTTP_PORT',
    message: `Port ${port} of 127.0.0.1 is in use by another program.`,
  })
  const other = Number(/PIXELFLOW_HTTP_PORT=(\d+)/.exec(error.remedy ?? '')?.[1])
  expect(other).toBeGreaterThan(port)
})

test('the error names the variable of the port', async () => {
  const port = await findFreePort()
  using _ = Bun.serve({ port, hostname: '127.0.0.1', fetch: () => new Response() })
  await expect(requireFreePort('127.0.0.1', port, 'PIXELFLOW_GRPC_PORT')).rejects.toMatchObject({
    field: 'PIXELFLOW_GRPC_PORT',
    remedy: expect.stringMatching(/PIXELFLOW_GRPC_PORT=\d+/),
  })
})

test('a free port and port 0 are accepted', async () => {
  await requireFreePort('127.0.0.1', await findFreePort())
  await requireFreePort('127.0.0.1', 0)
})

test('an address of another machine is an error', async () => {
  await expect(requireFreePort('192.0.2.1', 3000)).rejects.toMatchObject({ code: 2, field: 'PIXELFLOW_HOST' })
})
