import { Fault } from '@pixelflow/core/fault'
import type { IdempotencyRecord, CreatedResource } from '@pixelflow/core/idempotency-record'
import type { ImageRecord } from '@pixelflow/core/image'
import { within } from '@pixelflow/core/within'
import type { Principal } from '@pixelflow/core/principal'
import type { Task } from '@pixelflow/core/task'
import { attributeNames } from '@pixelflow/platform/telemetry/tracing/attribute-names'
import { formatTraceparent, parseTraceparent } from '@pixelflow/platform/telemetry/tracing/trace-context'
import { outermostSpan } from '@pixelflow/platform/telemetry/tracing/tracing'
import type { StoreImageOptions } from '../images/store-image.ts'
import type { Ports } from '../ports.ts'
import { digestSha256 } from '../digest-sha256.ts'
import { keyReused, parseIdempotencyKey } from './idempotency-key.ts'
import { acquireLease, holdLease } from './acquire-lease.ts'

/** How long a call waits until its result is recorded, so that a repetition right after the answer gets the same. */
const maxRecordWaitMs = 2000

/** What calls create. */
export interface Created {
  readonly image: ImageRecord
  readonly task: Task
}

/** A call that carries an idempotency key. */
export interface IdempotentCall<T> {
  /** The ids that an image or a task created by this call must get. */
  readonly image: string
  readonly task: string
  /**
   * The result of the first call with this key, if that has completed: return it. Call it with everything that the
   * client asks for, as soon as that is known and before anything is created.
   * @throws Fault `idempotency_key_reused` when the key belongs to a different call.
   */
  earlierResult(...request: readonly string[]): T | undefined
}

export interface IdempotentResult<T> {
  readonly value: T
  /** Whether this is the result of an earlier call. */
  readonly replayed: boolean
}

export interface IdempotencyOptions<K extends keyof Created> {
  /** The idempotency key as the client sent it; undefined for a call without one. */
  readonly key: string | undefined
  /** The kind of the call. A key is valid for one kind. */
  readonly call: string
  readonly creates: K
}

/**
 * Runs a call once per idempotency key and account, whichever gateways its repetitions reach; repetitions get the
 * result of the first call. A call that is refused has created nothing, and its key may be used again. A call without
 * a key always runs.
 * @throws Fault `idempotency_key_in_use` while another call with the key runs, `idempotency_key_reused`,
 * `invalid_request` for an invalid key, and what `run` throws.
 */
export function withIdempotency({
  idempotencyRecords,
  events,
  writePositions,
  storeTimeout,
}: Pick<Ports, 'idempotencyRecords' | 'events' | 'writePositions' | 'storeTimeout'>) {
  return async <K extends keyof Created>(
    who: Principal,
    { key, call, creates }: IdempotencyOptions<K>,
    run: (idempotentCall?: IdempotentCall<Created[K]>) => Promise<Created[K]>,
  ): Promise<IdempotentResult<Created[K]>> => {
    if (key === undefined) return { value: await run(), replayed: false }
    const name = { account: who.account, name: digestSha256(parseIdempotencyKey(key)) }
    const newId = () => Bun.randomUUIDv7('hex', events.now())
    const lease = await acquireLease(idempotencyRecords, name, newId)
    const { state, image, task, created } = lease.value
    // Key records are written in the background and do not use the call's store timeout.
    using held =
      state === 'done'
        ? undefined
        : storeTimeout.detached(() => holdLease({ idempotencyRecords, storeTimeout }, name, lease))
    let fingerprint = ''
    let replayed = false
    const idempotentCall: IdempotentCall<Created[K]> = {
      image,
      task,
      earlierResult(...request) {
        fingerprint = digestSha256(JSON.stringify([call, ...request]))
        if (state !== 'done') return undefined
        if (fingerprint !== lease.value.fingerprint) throw keyReused()
        replayed = true
        return resultIn(created, creates)
      },
    }
    try {
      const value = await run(idempotentCall)
      if (replayed) {
        linkToFirstCall(lease.value)
        if (creates === 'task') await noteEarlierWrite(who.account, task)
        return { value, replayed }
      }
      const result = { [creates]: value } as unknown as CreatedResource
      await waitBriefly(
        held?.release({ state: 'done', fingerprint, created: result, ...traceparentOfCall() }),
      )
      return { value, replayed }
    } catch (thrown) {
      const fault = Fault.of(thrown)
      const released = held?.release({ state: 'open', ...idsAfter(fault, lease.value, newId) })
      // The caller must not wait for a store that does not answer.
      if (!fault.row.isStoreFault) await waitBriefly(released)
      throw thrown
    }
  }

  /** Another gateway may have written the task. A failed look-up only weakens the position of the answer. */
  async function noteEarlierWrite(account: string, task: string): Promise<void> {
    const last = await events.last(account, task).catch(() => null)
    if (last) writePositions.record(account, last.seq)
  }
}

/** Links the span of a repetition to that of the call that it repeats. */
function linkToFirstCall({ created, traceparent }: IdempotencyRecord): void {
  const span = outermostSpan()
  const task = created && 'task' in created ? created.task : undefined
  span.set(attributeNames.task, task?.id)
  // Records of earlier versions have only the span that a task carries.
  span.link(parseTraceparent(traceparent ?? task?.traceparent))
}

/** The span of this call, for its repetitions. */
function traceparentOfCall(): { readonly traceparent?: string } {
  const { context } = outermostSpan()
  return context === undefined ? {} : { traceparent: formatTraceparent(context) }
}

/**
 * Options that store an image under the id of an idempotent call.
 * @param request what the client asks for besides the image, whose digest is compared too
 */
export function storeImageOptions<T>(
  call: IdempotentCall<T> | undefined,
  ...request: readonly string[]
): StoreImageOptions<T> | undefined {
  return call && { id: call.image, earlierResult: (sha256) => call.earlierResult(sha256, ...request) }
}

/**
 * The ids for the next call with the key. A refused call has created nothing, so it gets new ones; after any other
 * fault an image or a task may exist under the old ids.
 */
function idsAfter(
  fault: Fault,
  { image, task }: IdempotencyRecord,
  newId: () => string,
): Pick<IdempotencyRecord, 'image' | 'task'> {
  const isRefused = fault.row.http < 500
  return {
    image: isRefused ? newId() : image,
    // A task that the full queue refused was deleted, and a deleted id cannot be used again.
    task: isRefused || fault.code === 'queue_full' ? newId() : task,
  }
}

async function waitBriefly(recorded: Promise<void> | undefined): Promise<void> {
  if (recorded) await within(recorded, maxRecordWaitMs)
}

function resultIn<K extends keyof Created>(created: CreatedResource | undefined, kind: K): Created[K] {
  const found = (created as Partial<Created> | undefined)?.[kind]
  if (found !== undefined) return found
  throw new Fault('internal', 'The record of this idempotency key has no result.', {
    remedy: 'Repeat the call with a new idempotency key.',
  })
}
