import { connect } from 'node:net'

export interface RawResponse {
  /** 0 when the connection was closed without a response. */
  readonly status: number
  /** Status line and headers, in lower case. */
  readonly head: string
  readonly body: string
}

export interface RawRequestOptions {
  /** Closes the connection this long after the request was written, in milliseconds; default never. */
  readonly closeAfterMs?: number
  /** Time limit for the response, in milliseconds; default 5 s. */
  readonly timeoutMs?: number
}

/** Sends exactly these bytes to a server and returns the first response. Always closes the connection. */
export function sendRaw(
  baseUrl: string,
  bytes: string | Uint8Array,
  options: RawRequestOptions = {},
): Promise<RawResponse> {
  const { closeAfterMs, timeoutMs = 5000 } = options
  const { hostname, port } = new URL(baseUrl)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let received = ''
    const timer = setTimeout(() => {
      socket.destroy()
      reject(
        new Error(
          `No complete response and no end of the connection within ${timeoutMs} ms; received: ${received}`,
        ),
      )
    }, timeoutMs)
    const finish = (response: RawResponse) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(response)
    }
    socket.on('data', (data) => {
      received += data.toString('latin1')
      const response = parseResponse(received)
      if (response) finish(response)
    })
    socket.on('error', () => finish(parseResponse(received) ?? noResponse))
    socket.on('close', () => finish(parseResponse(received) ?? noResponse))
    socket.on('connect', () => {
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, () => {
        if (closeAfterMs !== undefined) setTimeout(() => finish(noResponse), closeAfterMs)
      })
    })
  })
}

const noResponse: RawResponse = { status: 0, head: '', body: '' }

/** The first final response, when its body is complete or has no Content-Length. */
function parseResponse(text: string): RawResponse | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = text.slice(0, end).toLowerCase()
  const body = text.slice(end + 4)
  const status = Number(head.split(' ')[1])
  if (status < 200) return parseResponse(body)
  const length = /^content-length: *(\d+)$/m.exec(head)?.[1]
  return length === undefined || body.length >= Number(length) ? { status, head, body } : undefined
}
