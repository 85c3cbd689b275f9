import { expect, test } from 'bun:test'
import type { LogHead } from '@pixelflow/core/ports/events'
import type { Ports } from '../ports.ts'
import { shareHeadReads } from './share-head-reads.ts'

const headAt = (last: number): LogHead => ({ logId: 'log', last, written: last })
/** A read starts at the end of the turn after the one of its first call. */
const nextTurn = async () => {
  for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate)
}

const detached = <T>(work: () => T) => work()

test('a call gets an end that was read after it, and calls that wait together share a read', async () => {
  const reads: PromiseWithResolvers<LogHead | undefined>[] = []
  const readHead = () => {
    const started = Promise.withResolvers<LogHead | undefined>()
    reads.push(started)
    return started.promise
  }
  const ports = { follower: { readHead }, storeTimeout: { detached } }
  const read = shareHeadReads(ports as unknown as Ports, 100)
  const first = [read(), read()]
  await nextTurn()
  expect(reads.length).toBe(1)
  // The broker may have answered already, so these need another read, which is one for both.
  const others = [read(), read()]
  await nextTurn()
  expect(reads.length).toBe(1)
  reads[0]?.resolve(headAt(1))
  expect(await Promise.all(first)).toEqual([headAt(1), headAt(1)])
  await nextTurn()
  expect(reads.length).toBe(2)
  reads[1]?.resolve(undefined)
  expect(await Promise.all(others)).toEqual([undefined, undefined])
  const last = read()
  await nextTurn()
  reads[2]?.resolve(headAt(3))
  expect(await last).toEqual(headAt(3))
})

test('fewer calls than are worth a read get none', async () => {
  let reads = 0
  const readHead = async () => headAt((reads += 1))
  const read = shareHeadReads(
    { follower: { readHead }, storeTimeout: { detached } } as unknown as Ports,
    100,
    2,
  )
  expect(await read()).toBeUndefined()
  expect(await Promise.all([read(), read()])).toEqual([headAt(1), headAt(1)])
  expect(await read()).toBeUndefined()
  expect(reads).toBe(1)
})
