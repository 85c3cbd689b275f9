import { viewTask } from '@pixelflow/core/api'
import { Fault } from '@pixelflow/core/fault'
import type { Principal } from '@pixelflow/core/principal'
import type { ServerMessage } from '@pixelflow/core/tune/server-message'
import { clientMessage, type ClientMessage } from '@pixelflow/core/tune/client-message'
import { validate } from '@pixelflow/core/validation/validate'
import { closeCodes, maxClientMessageLength } from '@pixelflow/core/tune/tune-protocol'
import type { ServerWebSocket } from 'bun'
import { messageOverheadBytes, type MemoryReservation } from '../../limits/request-memory.ts'
import type { TuneUpdate } from '../../tuning/tune.ts'
import type { Usecases } from '../../usecases.ts'
import { parseJson } from '../shared/read-body.ts'
import { createMessageQueue } from './message-queue.ts'

/** What belongs to one socket; the server calls it back. */
export interface TuneConnection {
  open(socket: Socket): void
  message(socket: Socket, data: string | Uint8Array): void
  drain(): void
  close(): void
}

export type Socket = Pick<ServerWebSocket<TuneConnection>, 'send' | 'close' | 'getBufferedAmount'>

export interface TuneConnectionOptions {
  readonly tune: Usecases['tune']
  /** Whoever opened the socket. @throws Fault when it may not. */
  readonly caller: () => Principal
  /** What waits to be obeyed is charged to this. */
  readonly held: MemoryReservation
  /** Aborts when this gateway stops. */
  readonly stopping: AbortSignal
  /** Called once, when it is over. */
  readonly ended: (how: { readonly fault?: Fault; readonly previews: number }) => void
}

/** Words of a client that wait to be obeyed; whoever is that far ahead does not listen. */
const mostSaid = 1024
/** Bytes that wait for a slow client; while there are more, no newer preview is taken from the session. */
const mostBuffered = 64 * 1024

/** A message that waits, and what it is charged with. */
interface Waiting {
  readonly said: ClientMessage
  readonly cost: number
}

/** Carries tuning over a WebSocket: JSON up; down JSON, and after each preview's head its file as a binary frame. */
export function createTuneConnection({
  tune,
  caller,
  held,
  stopping,
  ended,
}: TuneConnectionOptions): TuneConnection {
  const inbox = createMessageQueue<Waiting>(mostSaid)
  const gone = new AbortController()
  let fault: Fault | undefined
  let previews = 0
  let flow = Promise.withResolvers<void>()
  const flows = () => {
    flow.resolve()
    flow = Promise.withResolvers()
  }

  const converse = async (socket: Socket) => {
    stopping.addEventListener('abort', flows)
    try {
      for await (const heard of tune(caller(), saidIn(inbox, held), gone.signal)) {
        while (isStuck(socket) && !gone.signal.aborted && !stopping.aborted) await flow.promise
        if (gone.signal.aborted) return
        send(socket, heard)
      }
      socket.close(closeCodes.done)
    } catch (thrown) {
      if (!gone.signal.aborted) part(socket, Fault.of(thrown))
    } finally {
      stopping.removeEventListener('abort', flows)
    }
  }
  const part = (socket: Socket, why: Fault, code = codeOf(why, stopping)) => {
    fault ??= why
    socket.send(print({ type: 'failed', fault: why.report() }))
    // The reason fits into a control frame.
    socket.close(code, why.code)
    gone.abort()
  }
  const send = (socket: Socket, heard: TuneUpdate) => {
    if (heard.type === 'applied') return socket.send(print({ ...heard, task: viewTask(heard.task) }))
    if (heard.type !== 'preview') return socket.send(print(heard))
    previews += 1
    socket.send(print({ type: 'preview', ...heard.about }))
    return socket.send(heard.file)
  }

  return {
    open: (socket) => void converse(socket),
    message(socket, data) {
      if (gone.signal.aborted) return
      if (data.length > maxClientMessageLength) return part(socket, tooLong(), closeCodes.tooLarge)
      try {
        const said = parseSaid(data)
        const cost = 2 * data.length + messageOverheadBytes
        held.take(cost)
        if (!inbox.put({ said, cost })) part(socket, tooFast(), closeCodes.refused)
      } catch (thrown) {
        const why = Fault.of(thrown)
        part(socket, why, why.code === 'overloaded' ? closeCodes.tryLater : closeCodes.protocol)
      }
    },
    drain: flows,
    close() {
      gone.abort()
      inbox.close()
      held.close()
      flows()
      ended({ previews, ...(fault === undefined ? {} : { fault }) })
    },
  }
}

async function* saidIn(
  inbox: AsyncIterable<Waiting>,
  held: MemoryReservation,
): AsyncGenerator<ClientMessage, void> {
  for await (const { said, cost } of inbox) {
    held.give(cost)
    yield said
  }
}

function isStuck(socket: Socket): boolean {
  return socket.getBufferedAmount() > mostBuffered
}

function print(heard: ServerMessage): string {
  return JSON.stringify(heard)
}

/** @throws Fault `invalid_request`. */
function parseSaid(data: string | Uint8Array): ClientMessage {
  if (typeof data !== 'string') throw notSaid('Messages are JSON in text frames, and this one is binary.')
  let value: unknown
  try {
    value = parseJson(data)
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown
    throw notSaid('A message is not JSON.')
  }
  return validate(clientMessage, value, { whole: 'the message' })
}

function notSaid(detail: string): Fault {
  return new Fault('invalid_request', detail, { remedy: 'The messages are described in docs/tuning.md.' })
}

function tooLong(): Fault {
  return notSaid(`A message has at most ${maxClientMessageLength} characters.`)
}

function tooFast(): Fault {
  return new Fault('resource_limit_exceeded', `More than ${mostSaid} messages wait to be obeyed.`, {
    remedy: 'Wait for an answer now and then.',
  })
}

function codeOf(fault: Fault, stopping: AbortSignal): number {
  if (stopping.aborted) return closeCodes.restart
  if (fault.row.failover || fault.row.isStoreFault) return closeCodes.tryLater
  if (fault.code === 'internal') return closeCodes.internal
  return fault.code === 'invalid_request' ? closeCodes.protocol : closeCodes.refused
}
