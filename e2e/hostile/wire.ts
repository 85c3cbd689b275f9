import { connect } from 'node:net'

export interface WireAnswer {
  /** 0 when the connection was closed without an answer. */
  readonly status: number
  /** In lower case. */
  readonly head: string
  readonly body: string
}

export interface WireOptions {
  /** Hangs up this long after everything has been written, in milliseconds; default never. */
  readonly hangUpAfterMs?: number
  /** How long an answer is waited for, in milliseconds; default 5 s. */
  readonly withinMs?: number
}

/** Says exactly these bytes to a server, as no HTTP client would, and takes the first answer. Always hangs up. */
export function wire(
  baseUrl: string,
  bytes: string | Uint8Array,
  options: WireOptions = {},
): Promise<WireAnswer> {
  const { hangUpAfterMs, withinMs = 5000 } = options
  const { hostname, port } = new URL(baseUrl)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let received = ''
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`neither an answer nor the end of the connection within ${withinMs} ms: ${received}`))
    }, withinMs)
    const finish = (answer: WireAnswer) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    socket.on('data', (data) => {
      received += data.toString('latin1')
      const answer = answerIn(received)
      if (answer) finish(answer)
    })
    socket.on('error', () => finish(answerIn(received) ?? closed))
    socket.on('close', () => finish(answerIn(received) ?? closed))
    socket.on('connect', () => {
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, () => {
        if (hangUpAfterMs !== undefined) setTimeout(() => finish(closed), hangUpAfterMs)
      })
    })
  })
}

const closed: WireAnswer = { status: 0, head: '', body: '' }

/** The first final answer, once its length is there or its end is not told by a length. */
function answerIn(text: string): WireAnswer | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = text.slice(0, end).toLowerCase()
  const body = text.slice(end + 4)
  const status = Number(head.split(' ')[1])
  if (status < 200) return answerIn(body)
  const length = /^content-length: *(\d+)$/m.exec(head)?.[1]
  return length === undefined || body.length >= Number(length) ? { status, head, body } : undefined
}
