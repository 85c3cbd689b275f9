import { Fault } from '@pixelflow/core/fault'
import { Elysia } from 'elysia'
import type { FrontClient } from '../../tls/front.ts'
import { notesOf } from './notes.ts'

/**
 * Where TLS stands in front: finds out which client a request comes from. One that has come past it is not answered.
 * @param clientAt The client behind a port of 127.0.0.1; undefined when there is none.
 */
export function connections(clientAt: (port: number) => FrontClient | undefined) {
  return new Elysia({ name: 'connections' }).onRequest(({ request, server }) => {
    const from = server?.requestIP(request)
    const client = from ? clientAt(from.port) : undefined
    if (!client) throw new Fault('forbidden', 'This server is reached by TLS only.')
    const notes = notesOf(request)
    notes.peer = client.peer
    notes.certificate = client.certificate
  })
}
