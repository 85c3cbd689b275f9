import { describe, expect, test } from 'bun:test'
import { codeOf, target, image, picture, said } from './attack.ts'

export function addresses(): void {
  describe('addresses', () => {
    test('ids and names of other shapes are unknown', async () => {
      const odd = [
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
        image.toUpperCase(),
        `${image}%00`,
        `${image}%0d%0aX:y`,
        `%20${image}`,
        `{${image}}`,
        image.replaceAll('-', ''),
      ]
      // What is not percent-encoded text cannot be read at all (RFC 3986, 2.1).
      const malformed = new Set(['%', '%zz', '%C0%80'])
      for (const one of odd) {
        const expected = malformed.has(one) ? 400 : 404
        for (const path of [
          `images/${one}`,
          `images/${one}/content`,
          `tasks/${one}`,
          `tasks/${one}/events`,
          `tasks/${one}/outputs/default`,
          `tasks/${image}/outputs/${one}`,
        ]) {
          const { status, head, body } = await said('GET', `/api/v1/${path}`)
          expect([path, status]).toEqual([path, expected])
          expect(head.split('\r\n').some((line) => line.startsWith('x:'))).toBe(false)
          JSON.parse(body)
        }
        for (const [method, path] of [
          ['DELETE', `images/${one}`],
          ['DELETE', `tasks/${one}`],
          ['POST', `tasks/${one}/cancel`],
        ] as const)
          expect([method, path, (await said(method, `/api/v1/${path}`)).status]).toEqual([
            method,
            path,
            expected,
          ])
      }
    }, 20_000)

    test('invalid queries, cursors and resume tokens', async () => {
      const { task } = await target.process(picture, 'resize:9')
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
        expect([query, codeOf(await said('GET', `/api/v1/tasks?${query}`))]).toEqual([
          query,
          'invalid_request',
        ])
      for (const token of ['abc', '-1', '1e3', '%00', '99999999', '9'.repeat(100), '\xff', task, '1;drop'])
        expect([
          token,
          codeOf(await said('GET', `/api/v1/tasks/${task}/events`, [`Last-Event-ID: ${token}`])),
        ]).toEqual([token, 'invalid_request'])
    }, 20_000)

    test('ranges: never more than there is, never an error of ours', async () => {
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
        const answer = await said('GET', `/api/v1/images/${image}/content`, [`Range: ${range}`])
        expect([range.slice(0, 40), answer.status]).toEqual([range.slice(0, 40), status])
        expect(answer.body.length).toBeLessThanOrEqual(picture.length)
      }
    }, 20_000)
  })
}
