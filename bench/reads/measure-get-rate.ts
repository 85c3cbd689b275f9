/** Connections, each with one request at a time. */
const connections = 16

/**
 * Sends GET requests over open connections and returns the answers a second. Written on sockets, because `fetch` costs more than the
 * servers that are compared.
 * @param pathOf path of the request with this number
 * @throws Error when an answer is not 200.
 */
export async function measureGetRate(
  url: string,
  count: number,
  pathOf: (serial: number) => string,
): Promise<number> {
  const { hostname, port } = new URL(url)
  let next = 0
  let done = 0
  const finished = Promise.withResolvers<void>()
  const startedAt = performance.now()
  const send = (socket: { write(text: string): unknown; end(): unknown }) => {
    if (next >= count) return void socket.end()
    socket.write(`GET ${pathOf(next)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    next += 1
  }
  const open = () => {
    let answer = ''
    return Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: send,
        data(socket, chunk) {
          answer += chunk.toString('latin1')
          if (!isCompleteResponse(answer)) return
          if (!answer.startsWith('HTTP/1.1 200 ')) return finished.reject(new Error(answer.slice(0, 500)))
          answer = ''
          done += 1
          if (done === count) finished.resolve()
          send(socket)
        },
        error: (_, error) => finished.reject(error),
        close() {
          if (next < count) finished.reject(new Error('the server closed a connection'))
        },
      },
    })
  }
  await Promise.all(Array.from({ length: Math.min(connections, count) }, open))
  await finished.promise
  return count / ((performance.now() - startedAt) / 1000)
}

/** Whether a response with a `Content-Length`, or in chunks, has arrived completely. */
export function isCompleteResponse(answer: string): boolean {
  const headEnd = answer.indexOf('\r\n\r\n')
  if (headEnd < 0) return false
  const head = answer.slice(0, headEnd + 2)
  if (/\r\ntransfer-encoding: chunked\r\n/i.test(head)) return answer.endsWith('\r\n0\r\n\r\n')
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1]
  if (length === undefined) throw new Error(`a response of unknown length: ${head}`)
  return answer.length >= headEnd + 4 + Number(length)
}
