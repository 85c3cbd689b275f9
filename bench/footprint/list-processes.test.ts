import { expect, test } from 'bun:test'
import { listProcesses, roleOf } from './list-processes.ts'

test('roles follow from the command line and the parent', () => {
  expect(roleOf('bun /checkout/cli/main.ts up', undefined)).toBe('up')
  expect(roleOf('bun /checkout/gateway/main.ts', 'up')).toBe('gateway')
  expect(roleOf('bun /checkout/gateway/node_modules/.pixelflow/0a1b/main.js', 'up')).toBe('gateway')
  expect(roleOf('bun /checkout/actors/main.ts', 'other')).toBe('actor')
  expect(roleOf('bun /checkout/actors/node_modules/.pixelflow/2c3d/main.js', 'up')).toBe('actor')
  expect(roleOf('/cache/nats-server --config x', 'up')).toBe('nats-server')
  expect(roleOf('bun anything', 'actor')).toBe('workers')
  expect(roleOf('sh stop', 'up')).toBe('other')
})

test('descendants are listed', async () => {
  await using child = Bun.spawn(['sleep', '60'])
  expect(await listProcesses(process.pid)).toContainEqual({ pid: child.pid, role: 'other' })
})
