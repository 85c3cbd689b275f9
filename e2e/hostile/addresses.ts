import { describe, expect, test } from 'bun:test'
import { expectProblem, send } from './http-request.ts'
import { target, imageId, imageFile } from './shared-target.ts'

export function testAddresses(): void {
  describe('addresses', () => {
    test('malformed ids and names are not found', async () => {
      const malformed = [
        '%',
        '%zz',
        '%00',
        '..%2f..%2fetc%2fpasswd',
        '%C0%80',
        '%F0%9F%98%80',
        'A'.repeat(5000),
        '*',
        '>',
        'a.b',
        '__proto__',
        imageId.toUpperCase(),
        `${imageId}%00`,
        `${imageId}%0d%0aX:y`,
        `%20${imageId}`,
        `{${imageId}}`,
        imageId.replaceAll('-', ''),
      ]
      // Not valid percent-encoding (RFC 3986, 2.1).
      const undecodable = new Set(['%', '%zz', '%C0%80'])
      for (const one of malformed) {
        const expected = undecodable.has(one) ? 400 : 404
        for (const path of [
          `images/${one}`,
          `images/${one}/content`,
          `tasks/${one}`,
          `tasks/${one}/events`,
          `tasks/${one}/outputs/default`,
          `tasks/${imageId}/outputs/${one}`,
        ]) {
          const { status, head, body } = await send('GET', `/api/v1/${path}`)
          expect([path, status]).toEqual([path, expected])
          expect(head.split('\r\n').some((line) => line.startsWith('x:'))).toBe(false)
          JSON.parse(body)
        }
        for (const [method, path] of [
          ['DELETE', `images/${one}`],
          ['DELETE', `tasks/${one}`],
          ['POST', `tasks/${one}/cancel`],
        ] as const)
          expect([method, path, (await send(method, `/api/v1/${path}`)).status]).toEqual([
            method,
            path,
            expected,
          ])
      }
    }, 20_000)

    test('invalid queries, cursors and resume tokens are refused', async () => {
      const { task } = await target.process(imageFile, 'resize:9')
      for (const query of [
        'limit=0',
        'limit=1e9',
        'limit=NaN',
        'limit=%zz',
        'status=__proto__',
        'status=queued%00',
        'cursor=',
        'cursor=abc',
        'cursor=%00',
        `cursor=${'A'.repeat(22)}`,
        `cursor=${'A'.repeat(5000)}`,
        '__proto__=1',
        'constructor[x]=1',
        '%',
        'a'.repeat(6000),
      ])
        expect([query, expectProblem(await send('GET', `/api/v1/tasks?${query}`))]).toEqual([
          query,
          'invalid_request',
        ])
      for (const token of ['abc', '-1', '1e3', '%00', '99999999', '9'.repeat(100), '\xff', task, '1;drop'])
        expect([
          token,
          expectProblem(await send('GET', `/api/v1/tasks/${task}/events`, [`Last-Event-ID: ${token}`])),
        ]).toEqual([token, 'invalid_request'])
    }, 20_000)

    test('unusual ranges cause no server error, and never return more bytes than the file has', async () => {
      const ranges: [string, number][] = [
        ['bytes=0-', 206],
        ['bytes=0-0', 206],
        ['bytes=-99999999999', 206],
        ['bytes=-0', 416],
        ['bytes=99999999-', 416],
        ['bytes=5-2', 200],
        ['bytes=--1', 200],
        ['bytes=1e2-', 200],
        ['bytes=0-99999999999999999999', 206],
        [`bytes=${'0-0,'.repeat(1500)}0-0`, 200],
        ['items=0-1', 200],
      ]
      for (const [range, status] of ranges) {
        const answer = await send('GET', `/api/v1/images/${imageId}/content`, [`Range: ${range}`])
        expect([range.slice(0, 40), answer.status]).toEqual([range.slice(0, 40), status])
        expect(answer.body.length).toBeLessThanOrEqual(imageFile.length)
      }
    }, 20_000)
  })
}
