import { describe, expect, test } from 'bun:test'
import type { FaultCode } from '@pixelflow/core/fault'
import { hugeHeaders } from '@pixelflow/testkit/hostile/headers'
import { png } from '@pixelflow/testkit/hostile/png'
import { filePart, formType, recipePart } from './form-parts.ts'
import { expectProblem, latin1, contentLength, formatHttpRequest, send } from './http-request.ts'
import { target, imageFile } from './shared-target.ts'
import { sendRaw } from './send-raw.ts'

export function testUploads(): void {
  describe('uploads', () => {
    test('that are cut off leave nothing behind', async () => {
      const before = await target.broker.messages()
      const largeFile = latin1(imageFile).padEnd(600_000, 'x')
      const form = recipePart('resize:9') + filePart(largeFile)
      const cut = (path: string, type: string, body: string, at: number) =>
        sendRaw(
          target.url,
          formatHttpRequest(
            'POST',
            path,
            [type, `Content-Length: ${body.length}`],
            body.slice(0, body.length * at),
          ),
          { closeAfterMs: 30 },
        )
      const raw = 'Content-Type: image/jpeg'
      for (const at of [0, 0.0001, 0.5, 0.9999]) {
        await cut('/api/v1/images', raw, largeFile, at)
        await cut('/api/v1/tasks', formType, form, at)
      }
      const many = Array.from({ length: 60 }, (_, i) =>
        i % 2 ? cut('/api/v1/images', raw, largeFile, i / 60) : cut('/api/v1/tasks', formType, form, i / 60),
      )
      await Promise.all(many)
      await target.expectNothingLeft(before)
    }, 30_000)

    test('that are shorter than their length, have a malformed chunk or stall are refused', async () => {
      const before = await target.broker.messages()
      const body = latin1(imageFile).slice(0, 1000)
      const head = ['Content-Type: image/jpeg', 'Content-Length: 5000']
      const silent = await sendRaw(target.url, formatHttpRequest('POST', '/api/v1/images', head, body), {
        timeoutMs: 15_000,
      })
      if (silent.status !== 0) expect(expectProblem(silent)).toBe('truncated_upload')
      const chunked = ['Content-Type: image/jpeg', 'Transfer-Encoding: chunked']
      const broken = await send('POST', '/api/v1/images', chunked, `3e8\r\n${body}\r\nzz\r\n`)
      expect([0, 400]).toContain(broken.status)
      await target.expectNothingLeft(before)
    }, 30_000)

    test('that are longer than their length are truncated', async () => {
      const body = latin1(imageFile)
      const head = ['Content-Type: image/jpeg', `Content-Length: ${body.length - 100}`, 'Connection: close']
      const answer = await send('POST', '/api/v1/images', head, body)
      expect([answer.status, (JSON.parse(answer.body) as { bytes: number }).bytes]).toEqual([
        201,
        body.length - 100,
      ])
    }, 20_000)

    test('of unsupported types, sizes or contents are refused', async () => {
      const before = await target.broker.messages()
      const svgz = latin1(Bun.gzipSync('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'))
      const files: [string, string, FaultCode][] = [
        ['image/jpeg', '', 'invalid_request'],
        ['image/jpeg', '\xff', 'unsupported_format'],
        ['text/html', latin1(imageFile), 'unsupported_format'],
        ['', latin1(imageFile), 'unsupported_format'],
        [`image/jpeg\xff;;;=${'a'.repeat(2000)}`, latin1(imageFile), 'unsupported_format'],
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
        const answer = await send(
          'POST',
          '/api/v1/images',
          [`Content-Type: ${type}`, contentLength(body)],
          body,
        )
        expect([type, body.slice(0, 20), expectProblem(answer)]).toEqual([type, body.slice(0, 20), code])
      }
      const tooLong = await send('POST', '/api/v1/images', [
        'Content-Type: image/jpeg',
        'Content-Length: 33554433',
      ])
      expect(expectProblem(tooLong)).toBe('image_too_large')
      await target.expectNothingLeft(before)
    }, 30_000)

    test('that stall do not block other uploads', async () => {
      const before = await target.broker.messages()
      // Each upload holds more than a chunk; together they need five times PIXELFLOW_UPLOAD_MEMORY.
      const body = latin1(imageFile).padEnd(150_000, 'x')
      const head = ['Content-Type: image/jpeg', 'Content-Length: 900000']
      const stalled = Array.from({ length: 150 }, () =>
        sendRaw(target.url, formatHttpRequest('POST', '/api/v1/images', head, body), { timeoutMs: 20_000 }),
      )
      const heads = Array.from({ length: 50 }, () =>
        sendRaw(target.url, 'POST /api/v1/images HTTP/1.1\r\nHost: loca', { closeAfterMs: 3000 }),
      )
      // The uploads must have stalled before the valid upload begins.
      await Bun.sleep(500)
      const startedAt = Date.now()
      await target.processValidImage()
      expect(Date.now() - startedAt).toBeLessThan(2000)
      for (const answer of await Promise.all(stalled)) expect([0, 400]).toContain(answer.status)
      await Promise.all(heads)
      await target.expectNothingLeft(before, ['JOBS'])
    }, 40_000)
  })
}
