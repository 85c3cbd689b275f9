import { describe, expect, test } from 'bun:test'
import { formatIds } from '@pixelflow/core/format'
import { sequence } from '@pixelflow/testkit/hostile/avif'
import { flipBits, truncateInSteps } from '@pixelflow/testkit/hostile/damage'
import { emptyComments, insertSegments } from '@pixelflow/testkit/hostile/jpeg'
import { samples } from '@pixelflow/testkit/hostile/samples'
import { sampleImage } from '@pixelflow/testkit/images'
import { createImageHead } from './image-head.ts'

function read(file: Uint8Array, pieceBytes: number) {
  const head = createImageHead()
  // One buffer for all pieces, because sockets may reuse theirs.
  const piece = new Uint8Array(pieceBytes)
  for (let at = 0; at < file.length; at += pieceBytes) {
    const part = file.subarray(at, at + pieceBytes)
    piece.set(part)
    head.push(piece.subarray(0, part.length))
  }
  head.end()
  return { format: head.format, ...head.dimensions }
}

describe('the head of a file', () => {
  test.each(formatIds)('detects format and size of a %s in pieces of any size', async (format) => {
    const file = await sampleImage({ format, width: 321, height: 123, quality: 30 })
    for (const pieceBytes of [17, 64, 5000, 65_536, file.length]) {
      const found = read(file, pieceBytes)
      expect(found.format).toBe(format)
      // A TIFF may contain its size after the pixels.
      if (found.width !== null || format !== 'tiff')
        expect(found).toEqual({ format, width: 321, height: 123 })
    }
  })

  test('detects the size of an AVIF sequence, which has its own brand', async () => {
    const file = Buffer.from(await sequence(3, true))
    file.write('avis', 8, 'latin1')
    for (const pieceBytes of [17, 5000]) {
      expect(read(file, pieceBytes)).toEqual({ format: 'avif', width: 64, height: 64 })
    }
  })

  test('finds the size of a JPEG after 100 kB of metadata', async () => {
    const file = await sampleImage({ width: 40, height: 30 })
    const segment = new Uint8Array(50_004).fill(7)
    segment.set([0xff, 0xe2, 50_002 >> 8, 50_002 & 255])
    const padded = new Uint8Array([...file.subarray(0, 2), ...segment, ...segment, ...file.subarray(2)])
    expect(read(padded, 4096)).toEqual({ format: 'jpeg', width: 40, height: 30 })
  })

  test('accepts thousands of damaged files, and reports the same for a truncated file as for the complete one', async () => {
    for (const { format, bytes } of await samples()) {
      const whole = read(bytes, bytes.length)
      for (let seed = 1; seed <= 300; seed += 1) {
        const found = read(flipBits(bytes, seed, 1 + (seed % 7), seed % 3 ? 32 : 0), seed % 2 ? 97 : 4096)
        const sides = [found.width, found.height].map((side) => side ?? 1)
        expect(sides.every((side) => Number.isSafeInteger(side) && side > 0)).toBe(true)
      }
      for (const cut of truncateInSteps(bytes)) {
        const found = read(cut, 4096)
        if (found.width !== null) expect(found).toEqual({ ...whole, format })
      }
    }
  })

  test('is fast for a JPEG that consists of tiny segments', async () => {
    const file = insertSegments(await sampleImage({ width: 40, height: 30 }), emptyComments(100_000))
    const before = process.cpuUsage()
    for (let i = 0; i < 20; i += 1) expect(read(file, 65_536).width).toBeNull()
    const { user, system } = process.cpuUsage(before)
    // A parser that copies the rest of the file at each segment takes more than two seconds.
    expect((user + system) / 1000).toBeLessThan(1000)
    expect(
      read(insertSegments(await sampleImage({ width: 40, height: 30 }), emptyComments(60_000)), 4096),
    ).toEqual({
      format: 'jpeg',
      width: 40,
      height: 30,
    })
  })

  test('finds an SVG after a declaration, and within a limited prefix only', () => {
    const svg = (before: string) => new TextEncoder().encode(`${before}<svg width="40" height="30"/>`)
    const found = { format: 'svg' as const, width: 40, height: 30 }
    expect(read(svg('<?xml version="1.0"?>'.padEnd(3000)), 17)).toEqual(found)
    expect(read(svg(`<!--${' '.repeat(5000)}-->`), 1000)).toEqual({
      format: undefined,
      width: null,
      height: null,
    })
    const many = read(svg('<svg '.concat('a="" '.repeat(70_000))), 65_536)
    expect(many).toEqual({ format: 'svg', width: null, height: null })
  })

  test('waits for more bytes only while they may still become a known format', () => {
    const head = createImageHead()
    head.push(new TextEncoder().encode('<!--'.padEnd(3000)))
    expect(head.isDetected).toBe(false)
    head.push(new Uint8Array(1500))
    expect([head.isDetected, head.format]).toEqual([true, undefined])
    const other = createImageHead()
    other.push(new Uint8Array(64).fill(65))
    expect([other.isDetected, other.format, other.isGzipped]).toEqual([true, undefined, false])
  })

  test('reports null for a missing size', () => {
    const tiff = new Uint8Array(400_000)
    tiff.set([0x49, 0x49, 0x2a, 0, 0xf0, 0xff, 0xff, 0xff])
    expect(read(tiff, 65_536)).toEqual({ format: 'tiff', width: null, height: null })
    expect(read(tiff.subarray(0, 9), 9)).toEqual({ format: 'tiff', width: null, height: null })
    expect(read(new Uint8Array([0xff, 0xd8, 0xff, 0xe0]), 4)).toEqual({
      format: 'jpeg',
      width: null,
      height: null,
    })
    expect(read(new TextEncoder().encode('#!/bin/sh\n'), 10)).toEqual({
      format: undefined,
      width: null,
      height: null,
    })
    expect(read(new Uint8Array(), 1)).toEqual({ format: undefined, width: null, height: null })
  })

  test('accepts any bytes after any signature', async () => {
    for (const format of formatIds) {
      const file = await sampleImage({ format, width: 50, height: 50 })
      for (let round = 0; round < 40; round++) {
        const broken = file.slice(0, 2000)
        for (let n = 0; n < 30; n++)
          broken[16 + ((round * 131 + n * 37) % (broken.length - 16))] = (round * n * 11) & 255
        const found = read(broken, 700)
        expect(found.width === null || Number.isSafeInteger(found.width)).toBe(true)
      }
    }
  })

  test('is fast for many bytes that contain no size', () => {
    const flood = new Uint8Array(300_000).fill(1)
    flood.set([0xff, 0xd8, 0xff, 0xe0, 0, 1])
    const before = process.cpuUsage()
    read(flood, 100)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(1000)
  })
})
