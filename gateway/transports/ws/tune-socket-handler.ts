import { viewTask } from '@pixelflow/core/views'
import { Fault } from '@pixelflow/core/fault'
import { createNotifier } from '@pixelflow/core/notifier'
import type { Principal } from '@pixelflow/core/principal'
import type { ServerMessage } from '@pixelflow/core/tune/server-message'
import { clientMessage, type ClientMessage } from '@pixelflow/core/tune/client-message'
import { validate } from '@pixelflow/core/validation/validate'
import { closeCodes, maxClientMessageLength } from '@pixelflow/core/tune/tune-protocol'
import type { ServerWebSocket } from 'bun'
import { messageOverheadBytes, type MemoryReservation } from '../../limits/request-memory.ts'
import type { TuneUpdate } from '../../tuning/tune.ts'
import type { Usecases } from '../../usecases.ts'
import { translateField } from '../../request-field.ts'
import { httpFields } from '../rest/problem-response.ts'
import { parseJson } from '../shared/read-body.ts'
import { createBoundedQueue } from '@pixelflow/core/bounded-queue'

/** The handlers of one WebSocket, called by the server. */
export interface TuneSocketHandler {
  open(socket: Socket): void
  message(socket: Socket, data: string | Uint8Array): void
  drain(): void
  close(): void
}

export type Socket = Pick<ServerWebSocket<TuneSocketHandler>, 'send' | 'close' | 'getBufferedAmount'>

export interface TuneSocketHandlerOptions {
  readonly tune: Usecases['tune']
  /** The principal that opened the socket. @throws Fault when the credentials are invalid. */
  readonly principal: () => Principal
  /** Memory reservation for messages in the queue. */
  readonly reservation: MemoryReservation
  /** Aborts when this gateway stops. */
  readonly stopping: AbortSignal
  /** Called once, after the socket has closed. */
  readonly onEnd: (result: { readonly fault?: Fault; readonly previews: number }) => void
}

/** Messages of a client that may wait. A client this far ahead does not read the responses. */
const maxQueuedMessages = 1024
/** Bytes that may wait for a slow client. While more wait, no newer preview is taken from the session. */
const maxBufferedBytes = 64 * 1024

interface QueuedMessage {
  readonly message: ClientMessage
  /** Bytes charged to the memory reservation. */
  readonly cost: number
}

/** Tuning over a WebSocket: JSON messages in both directions, and after each `preview` its file as a binary frame. */
export function createTuneSocketHandler({
  tune,
  principal,
  reservation,
  stopping,
  onEnd,
}: TuneSocketHandlerOptions): TuneSocketHandler {
  const queue = createBoundedQueue<QueuedMessage>(maxQueuedMessages)
  const closed = new AbortController()
  const writable = createNotifier()
  const wake = () => writable.notify()
  let fault: Fault | undefined
  let previews = 0

  const run = async (socket: Socket) => {
    stopping.addEventListener('abort', wake)
    try {
      for await (const update of tune(principal(), messagesOf(queue, reservation), closed.signal)) {
        while (isBlocked(socket) && !closed.signal.aborted && !stopping.aborted) await writable.wait()
        if (closed.signal.aborted) return
        send(socket, update)
      }
      socket.close(closeCodes.done)
    } catch (thrown) {
      if (!closed.signal.aborted) fail(socket, Fault.of(thrown))
    } finally {
      stopping.removeEventListener('abort', wake)
    }
  }
  const fail = (socket: Socket, cause: Fault, code = closeCodeOf(cause, stopping)) => {
    fault ??= cause
    const report = cause.report()
    const field = report.field === undefined ? {} : { field: translateField(report.field, httpFields) }
    socket.send(encode({ type: 'failed', fault: { ...report, ...field } }))
    // The code of the fault is short enough for the close frame, the detail may not be.
    socket.close(code, cause.code)
    closed.abort()
  }
  const send = (socket: Socket, update: TuneUpdate) => {
    if (update.type === 'applied') return socket.send(encode({ ...update, task: viewTask(update.task) }))
    if (update.type !== 'preview') return socket.send(encode(update))
    previews += 1
    socket.send(encode({ type: 'preview', ...update.about }))
    return socket.send(update.file)
  }

  return {
    open: (socket) => void run(socket),
    message(socket, data) {
      if (closed.signal.aborted) return
      if (data.length > maxClientMessageLength) return fail(socket, messageTooLong(), closeCodes.tooLarge)
      try {
        const message = parseClientMessage(data)
        const cost = 2 * data.length + messageOverheadBytes
        reservation.acquire(cost)
        if (!queue.put({ message, cost })) fail(socket, tooManyMessages(), closeCodes.refused)
      } catch (thrown) {
        const cause = Fault.of(thrown)
        fail(socket, cause, cause.code === 'overloaded' ? closeCodes.tryLater : closeCodes.protocol)
      }
    },
    drain: wake,
    close() {
      closed.abort()
      queue.close()
      reservation.close()
      wake()
      onEnd({ previews, ...(fault === undefined ? {} : { fault }) })
    },
  }
}

async function* messagesOf(
  queue: AsyncIterable<QueuedMessage>,
  reservation: MemoryReservation,
): AsyncGenerator<ClientMessage, void> {
  for await (const { message, cost } of queue) {
    reservation.release(cost)
    yield message
  }
}

function isBlocked(socket: Socket): boolean {
  return socket.getBufferedAmount() > maxBufferedBytes
}

function encode(message: ServerMessage): string {
  return JSON.stringify(message)
}

/** @throws Fault `invalid_request`. */
function parseClientMessage(data: string | Uint8Array): ClientMessage {
  if (typeof data !== 'string')
    throw invalidMessage('The message is a binary frame, expected JSON in a text frame.')
  let value: unknown
  try {
    value = parseJson(data)
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown
    throw invalidMessage('The message is not JSON.')
  }
  return validate(clientMessage, value, { whole: 'the message' })
}

function invalidMessage(detail: string): Fault {
  return new Fault('invalid_request', detail, { remedy: 'Send a message as described in docs/tuning.md.' })
}

function messageTooLong(): Fault {
  return invalidMessage(`The message is longer than ${maxClientMessageLength} characters.`)
}

function tooManyMessages(): Fault {
  return new Fault('resource_limit_exceeded', `More than ${maxQueuedMessages} messages are waiting.`, {
    remedy: 'Read the responses before you send more messages.',
  })
}

function closeCodeOf(fault: Fault, stopping: AbortSignal): number {
  if (stopping.aborted) return closeCodes.restart
  if (fault.row.canFailOver || fault.row.isStoreFault) return closeCodes.tryLater
  if (fault.code === 'internal') return closeCodes.internal
  return fault.code === 'invalid_request' ? closeCodes.protocol : closeCodes.refused
}
