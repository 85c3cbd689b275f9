import { expect, test } from 'bun:test'
import { colorOfProcess, orderProcesses } from './color-of-process.ts'

test('processes have one order with the client at the end, and colours of their own', () => {
  const names = ['client', 'other', 'redis-server', 'nats-server', 'gateway', 'client', 'up']
  const ordered = ['gateway', 'nats-server', 'redis-server', 'up', 'other', 'client']
  expect(orderProcesses(names)).toEqual(ordered)
  expect(new Set(ordered.map(colorOfProcess)).size).toBe(ordered.length)
})
