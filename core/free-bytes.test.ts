import { expect, test } from 'bun:test'
import { allowFree, freeBytes, shareMemory } from './free-bytes.ts'

test('a piece is freed when its producer allows it', () => {
  const piece = new Uint8Array(1024)
  allowFree(piece)
  expect(freeBytes(piece)).toBe(true)
  expect(piece.buffer.detached).toBe(true)
  expect(freeBytes(piece)).toBe(false)
})

test('other pieces stay as they are', () => {
  const own = new Uint8Array(1024)
  expect(freeBytes(own)).toBe(false)

  const part = new Uint8Array(1024).subarray(1)
  allowFree(part)
  expect(freeBytes(part)).toBe(false)

  const allowed = new Uint8Array(1024)
  allowFree(allowed)
  // Another view of the same memory, such as the content of a form within a piece of the body.
  expect(freeBytes(allowed.subarray(0))).toBe(false)
  for (const one of [own, part, allowed]) expect(one.buffer.detached).toBe(false)
})

test('shared memory is freed with its last view', () => {
  const buffer = new Uint8Array(1024)
  const memory = shareMemory(buffer)
  const [first, second] = [buffer.subarray(0, 512), buffer.subarray(512)]
  memory.share(first)
  expect(freeBytes(first)).toBe(true)
  expect(buffer.buffer.detached).toBe(false)
  memory.share(second)
  memory.close()
  expect(freeBytes(second)).toBe(true)
  expect(buffer.buffer.detached).toBe(true)
})

test('shared memory with other users, or within larger memory, is not freed', () => {
  for (const buffer of [new Uint8Array(1024), new Uint8Array(2048).subarray(1024)]) {
    const memory = shareMemory(buffer)
    const view = buffer.subarray(1)
    memory.share(view)
    if (buffer.byteOffset === 0) memory.pin()
    memory.close()
    freeBytes(view)
    expect(buffer.buffer.detached).toBe(false)
  }
})
