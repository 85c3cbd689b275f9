import { describe, expect, test } from 'bun:test'
import { frame, frameTypes as types, startCall } from '../../../testing/http2.ts'
import { createReadScheduler, type ReadScheduler } from './read-scheduler.ts'

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const callBytes = startCall(1, '/pixelflow.v1.ImageService/GetVersion', 'localhost')
const calls = (count: number) => Buffer.concat([preface, ...Array.from({ length: count }, () => callBytes)])

/** A scheduler whose turns come when the test says so. */
function scheduled() {
  const turns: (() => void)[] = []
  const scheduler = createReadScheduler((turn) => turns.push(turn))
  return { scheduler, turn: () => turns.shift()?.(), isQuiet: () => turns.length === 0 }
}

/** A connection that notes whether its socket is read, and the calls that it has handed over. */
function connection(scheduler: ReadScheduler, onRead: () => void = () => {}) {
  const set = (isPaused: boolean): never => {
    socket.isPaused = isPaused
    return socket as never
  }
  const socket = {
    destroyed: false,
    isPaused: false,
    pause: () => set(true),
    resume: () => set(false),
  }
  const read: Buffer[] = []
  const reads = scheduler.connect(socket, (bytes) => {
    read.push(Buffer.from(bytes))
    onRead()
  })
  const callCount = () => Math.floor((Buffer.concat(read).length - preface.length) / callBytes.length)
  return { socket, reads, read, callCount }
}

describe('while nothing waits', () => {
  test('bytes are handed over at once, and large data as it has come', () => {
    const { scheduler } = scheduled()
    const one = connection(scheduler)
    const upload = Buffer.concat([
      preface,
      ...Array.from({ length: 31 }, () => frame(types.data, 0, 1, Buffer.alloc(16_384))),
    ])
    one.reads.push(upload)
    one.reads.push(callBytes)
    expect(one.read).toEqual([upload, callBytes])
    expect(one.socket.isPaused).toBe(false)
  })
})

describe('a burst', () => {
  test('is handed over 16 calls a turn, in its order, and its socket is pausedUpload until it is through', () => {
    const { scheduler, turn, isQuiet } = scheduled()
    const one = connection(scheduler)
    one.reads.push(calls(40))
    expect([one.callCount(), one.socket.isPaused]).toEqual([16, true])
    turn()
    expect([one.callCount(), one.socket.isPaused]).toEqual([32, true])
    turn()
    expect([one.callCount(), one.socket.isPaused]).toEqual([40, false])
    turn()
    expect(isQuiet()).toBe(true)
    expect(Buffer.concat(one.read)).toEqual(calls(40))
  })

  test('of many connections lets them take turns', () => {
    const { scheduler, turn } = scheduled()
    const many = Array.from({ length: 3 }, () => connection(scheduler))
    for (const { reads } of many) reads.push(calls(48))
    for (let i = 0; i < 3; i++) turn()
    expect(many.map((one) => one.callCount())).toEqual([32, 16, 16])
    for (let i = 0; i < 5; i++) turn()
    expect(many.map((one) => one.callCount())).toEqual([48, 48, 48])
    expect(scheduler.waiting).toBe(0)
  })

  test('does not hold up a connection that asks for little', () => {
    const { scheduler, turn } = scheduled()
    const burst = Array.from({ length: 50 }, () => connection(scheduler))
    for (const { reads } of burst) reads.push(calls(256))
    for (let i = 0; i < 100; i++) turn()
    const quiet = connection(scheduler)
    for (let at = 1; at <= 10; at++) {
      quiet.reads.push(at === 1 ? calls(1) : callBytes)
      turn()
      turn()
      expect(quiet.callCount()).toBe(at)
    }
    expect(scheduler.waiting).toBe(50)
  })

  test('goes on while new connections keep coming', () => {
    const { scheduler, turn } = scheduled()
    const [first, second] = [connection(scheduler), connection(scheduler)]
    for (const { reads } of [first, second]) reads.push(calls(64))
    for (let i = 0; i < 20; i++) {
      connection(scheduler).reads.push(calls(64))
      connection(scheduler).reads.push(calls(64))
      turn()
    }
    expect([first.callCount(), second.callCount()].every((count) => count >= 32)).toBe(true)
  })
})

describe('a connection that ends', () => {
  test('is handed nothing more', () => {
    const { scheduler, turn } = scheduled()
    const stopped = connection(scheduler, () => stopped.reads.stop())
    const gone = connection(scheduler)
    stopped.reads.push(calls(64))
    gone.reads.push(calls(64))
    gone.socket.destroyed = true
    turn()
    turn()
    stopped.reads.push(callBytes)
    expect([stopped.callCount(), gone.read.length, scheduler.waiting]).toEqual([16, 0, 0])
  })
})
