import { describe, expect, test } from 'bun:test'
import type { FaultCode } from '@pixelflow/core/fault'
import { hugeHeaders } from '@pixelflow/testkit/hostile/headers'
import { png } from '@pixelflow/testkit/hostile/png'
import {
  codeOf,
  filePart,
  formType,
  target,
  latin1,
  length,
  picture,
  recipePart,
  request,
  said,
} from './attack.ts'
import { wire } from './wire.ts'

export function uploads(): void {
  describe('uploads', () => {
    test('that are cut off, one and many at once, leave nothing behind', async () => {
      const before = await target.broker.messages()
      const big = latin1(picture).padEnd(600_000, 'x')
      const form = recipePart('resize:9') + filePart(big)
      const cut = (path: string, type: string, body: string, at: number) =>
        wire(
          target.url,
          request('POST', path, [type, `Content-Length: ${body.length}`], body.slice(0, body.length * at)),
          { hangUpAfterMs: 30 },
        )
      const raw = 'Content-Type: image/jpeg'
      for (const at of [0, 0.0001, 0.5, 0.9999]) {
        await cut('/api/v1/images', raw, big, at)
        await cut('/api/v1/tasks', formType, form, at)
      }
      const many = Array.from({ length: 60 }, (_, i) =>
        i % 2 ? cut('/api/v1/images', raw, big, i / 60) : cut('/api/v1/tasks', formType, form, i / 60),
      )
      await Promise.all(many)
      await target.nothingLeft(before)
    }, 30_000)

    test('that are shorter than promised, by half a close, by chunks or by silence', async () => {
      const before = await target.broker.messages()
      const body = latin1(picture).slice(0, 1000)
      const head = ['Content-Type: image/jpeg', 'Content-Length: 5000']
      const silent = await wire(target.url, request('POST', '/api/v1/images', head, body), {
        withinMs: 15_000,
      })
      if (silent.status !== 0) expect(codeOf(silent)).toBe('truncated_upload')
      const chunked = ['Content-Type: image/jpeg', 'Transfer-Encoding: chunked']
      const broken = await said('POST', '/api/v1/images', chunked, `3e8\r\n${body}\r\nzz\r\n`)
      expect([0, 400]).toContain(broken.status)
      await target.nothingLeft(before)
    }, 30_000)

    test('that are longer than promised: the rest is not part of the file', async () => {
      const body = latin1(picture)
      const head = ['Content-Type: image/jpeg', `Content-Length: ${body.length - 100}`, 'Connection: close']
      const answer = await said('POST', '/api/v1/images', head, body)
      expect([answer.status, (JSON.parse(answer.body) as { bytes: number }).bytes]).toEqual([
        201,
        body.length - 100,
      ])
    }, 20_000)

    test('of a type, a size or a content that is not taken', async () => {
      const before = await target.broker.messages()
      const svgz = latin1(Bun.gzipSync('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'))
      const files: [string, string, FaultCode][] = [
        ['image/jpeg', '', 'invalid_request'],
        ['image/jpeg', '\xff', 'unsupported_format'],
        ['text/html', latin1(picture), 'unsupported_format'],
        ['', latin1(picture), 'unsupported_format'],
        [`image/jpeg\xff;;;=${'a'.repeat(2000)}`, latin1(picture), 'unsupported_format'],
        ['image/svg+xml', svgz, 'unsupported_format'],
        ['image/svg+xml', '<!doctype html><svg/>', 'unsupported_format'],
        ['image/jpeg', '<!doctype html><script>alert(1)</script>', 'unsupported_format'],
        ['application/octet-stream', `PK\x03\x04${'\0'.repeat(100)}`, 'unsupported_format'],
        ['image/gif', `GIF89a/*${'*'.repeat(100)}*/=1;alert(1)`, 'too_many_pixels'],
        ...Object.entries(hugeHeaders).map(([name, bytes]): [string, string, FaultCode] => [
          `image/${name}`,
          latin1(bytes),
          'too_many_pixels',
        ]),
        ['image/png', latin1(png(20_000, 20_000)), 'too_many_pixels'],
      ]
      for (const [type, body, code] of files) {
        const answer = await said('POST', '/api/v1/images', [`Content-Type: ${type}`, length(body)], body)
        expect([type, body.slice(0, 20), codeOf(answer)]).toEqual([type, body.slice(0, 20), code])
      }
      const tooLong = await said('POST', '/api/v1/images', [
        'Content-Type: image/jpeg',
        'Content-Length: 33554433',
      ])
      expect(codeOf(tooLong)).toBe('image_too_large')
      await target.nothingLeft(before)
    }, 30_000)

    test('that trickle or stall do not keep others out', async () => {
      const before = await target.broker.messages()
      // Each holds more than a chunk; together they want five times the memory for uploads.
      const body = latin1(picture).padEnd(150_000, 'x')
      const head = ['Content-Type: image/jpeg', 'Content-Length: 900000']
      const stalled = Array.from({ length: 150 }, () =>
        wire(target.url, request('POST', '/api/v1/images', head, body), { withinMs: 20_000 }),
      )
      const heads = Array.from({ length: 50 }, () =>
        wire(target.url, 'POST /api/v1/images HTTP/1.1\r\nHost: loca', { hangUpAfterMs: 3000 }),
      )
      await Bun.sleep(500)
      const begin = Date.now()
      await target.goodPicture()
      expect(Date.now() - begin).toBeLessThan(2000)
      for (const answer of await Promise.all(stalled)) expect([0, 400]).toContain(answer.status)
      await Promise.all(heads)
      await target.nothingLeft(before, ['JOBS'])
    }, 40_000)
  })
}
