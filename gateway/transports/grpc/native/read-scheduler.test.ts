import { describe, expect, test } from 'bun:test'
import { frame, frameTypes as types, startCall } from '../../../testing/raw-http2.ts'
import { createReadScheduler, type ReadScheduler } from './read-scheduler.ts'

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const callBytes = startCall(1, '/pixelflow.v1.ImageService/GetVersion', 'localhost')
const calls = (count: number) => Buffer.concat([preface, ...Array.from({ length: count }, () => callBytes)])

/** A scheduler whose turns the test starts. */
function manualScheduler() {
  const turns: (() => void)[] = []
  const scheduler = createReadScheduler((turn) => turns.push(turn))
  return { scheduler, turn: () => turns.shift()?.(), isQuiet: () => turns.length === 0 }
}

/** A connection that records whether its socket is paused and which bytes were handed over. */
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

describe('without waiting bytes', () => {
  test('bytes are handed over at once and in one piece', () => {
    const { scheduler } = manualScheduler()
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
  test('is handed over in order, 16 calls per turn, and its socket is paused until the end', () => {
    const { scheduler, turn, isQuiet } = manualScheduler()
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

  test('of several connections is served in round robin', () => {
    const { scheduler, turn } = manualScheduler()
    const many = Array.from({ length: 3 }, () => connection(scheduler))
    for (const { reads } of many) reads.push(calls(48))
    for (let i = 0; i < 3; i++) turn()
    expect(many.map((one) => one.callCount())).toEqual([32, 16, 16])
    for (let i = 0; i < 5; i++) turn()
    expect(many.map((one) => one.callCount())).toEqual([48, 48, 48])
    expect(scheduler.waiting).toBe(0)
  })

  test('does not delay a connection with few calls', () => {
    const { scheduler, turn } = manualScheduler()
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

  test('is not starved by new connections', () => {
    const { scheduler, turn } = manualScheduler()
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

describe('a connection that has ended', () => {
  test('gets no more bytes', () => {
    const { scheduler, turn } = manualScheduler()
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
