import { connect } from 'node:net'
import { z } from 'zod'

const info = z.object({
  version: z.string(),
  /** JetStream API level; servers before 2.11 do not report one. */
  api_lvl: z.int().default(0),
})
export type ServerInfo = z.infer<typeof info>

const maxInfoLength = 64 * 1024

/**
 * Reads the INFO line of a NATS server, which it sends before authentication.
 *
 * @param address `host:port`, `nats://host:port` or `tls://host:port`; port 4222 when there is none.
 * @throws Error when no NATS server answers within `timeoutMs`.
 */
export function readServerInfo(address: string, timeoutMs: number): Promise<ServerInfo> {
  const { hostname, port } = new URL(address.includes('://') ? address : `nats://${address}`)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 4222) })
    const end = (finish: () => void) => {
      clearTimeout(timer)
      socket.destroy()
      finish()
    }
    const timer = setTimeout(
      () => end(() => reject(new Error(`no response within ${timeoutMs} ms`))),
      timeoutMs,
    )
    let text = ''
    socket.on('error', (error) => end(() => reject(error)))
    socket.on('close', () => end(() => reject(new Error('connection closed'))))
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8')
      const line = /^INFO (\{.*\})\s*\r\n/.exec(text)?.[1]
      if (line !== undefined) end(() => parse(line, resolve, reject))
      else if (!'INFO '.startsWith(text.slice(0, 5)) || text.length > maxInfoLength) {
        end(() => reject(new Error('not a NATS server')))
      }
    })
  })
}

function parse(line: string, resolve: (value: ServerInfo) => void, reject: (error: Error) => void): void {
  try {
    resolve(info.parse(JSON.parse(line)))
  } catch (cause) {
    reject(new Error('invalid INFO line', { cause }))
  }
}
