import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/**
 * A connection that tries to impersonate a client. The program runs as another user, and reads one attempt from each line
 * of its standard input.
 */
export interface ConnectionAttempt {
  /** Address and port, or the path of a unix socket. */
  readonly host?: string
  readonly port?: number
  readonly path?: string
  /** The local end of the connection. */
  readonly localAddress?: string
  readonly localPort?: number
  readonly isTls?: boolean
}

/** The first line of the response, or the error of the connection. */
export interface ConnectionResult {
  readonly status: string
}

const waitMs = 5000

function attempt({ isTls = false, ...where }: ConnectionAttempt): Promise<ConnectionResult> {
  return new Promise((resolve) => {
    const tcp: Socket = connect(where as { host: string; port: number })
    const end = (status: string) => {
      clearTimeout(timer)
      tcp.destroy()
      resolve({ status })
    }
    const timer = setTimeout(end, waitMs, 'no response')
    const socket = isTls ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp
    for (const one of [tcp, socket]) one.on('error', ({ message }) => end(message))
    socket.on('close', () => end('closed'))
    socket.on('data', (data: Buffer) => end(String(data).split('\r\n', 1)[0] ?? ''))
    socket.once(isTls ? 'secureConnect' : 'connect', () =>
      socket.write('GET /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    )
  })
}

for await (const line of console) {
  process.stdout.write(`${JSON.stringify(await attempt(JSON.parse(line) as ConnectionAttempt))}\n`)
}
