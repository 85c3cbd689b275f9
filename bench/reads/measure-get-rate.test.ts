import { expect, test } from 'bun:test'
import { isCompleteResponse, measureGetRate } from './measure-get-rate.ts'

test('a response is complete with the last byte of its body', () => {
  for (const answer of [
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nDate: now\r\n\r\nabc',
    'HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  ]) {
    for (let at = 0; at < answer.length; at += 1) expect(isCompleteResponse(answer.slice(0, at))).toBe(false)
    expect(isCompleteResponse(answer)).toBe(true)
  }
})

test('every path is requested once', async () => {
  const paths: string[] = []
  using server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      paths.push(new URL(request.url).pathname)
      return new Response('x'.repeat(100_000))
    },
  })
  await measureGetRate(`http://127.0.0.1:${server.port}`, 50, (serial) => `/${serial}`)
  expect(paths.map((path) => Number(path.slice(1))).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 50 }, (_, serial) => serial),
  )
})

test('an answer that is not 200 is an error', async () => {
  using server = Bun.serve({ port: 0, fetch: () => new Response('none', { status: 404 }) })
  const rate = measureGetRate(`http://127.0.0.1:${server.port}`, 3, () => '/')
  expect(rate).rejects.toThrow('404')
})
