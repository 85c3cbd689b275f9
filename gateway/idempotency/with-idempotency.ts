import { Fault } from '@pixelflow/core/fault'
import type { KeyRecord, Made } from '@pixelflow/core/idempotency'
import type { ImageRecord } from '@pixelflow/core/image'
import { pause } from '@pixelflow/core/pause'
import type { Fenced, Revised } from '@pixelflow/core/ports/compare-and-swap-records'
import type { Principal } from '@pixelflow/core/principal'
import type { Task } from '@pixelflow/core/task'
import type { Ports } from '../ports.ts'
import type { StoreImageOptions } from '../images/upload-image.ts'

/** How often an attempt says that it goes on, in milliseconds. */
const beatEveryMs = 800
/** An attempt that is silent for so long is taken for dead, measured by the clock of whoever wants to know. */
const silenceMs = 3000
const lookEveryMs = 100
/** However many race for a key: after so long one is told to come again. */
const longestLookMs = 5000
/** How long an answer waits until it is written down: then it is the same for whoever makes the call again at withIdempotency. */
const longestWriteMs = 2000

/** One attempt at a call that carries an idempotency key. */
export interface IdempotentCall {
  /** The ids that what it makes has to get. */
  readonly image: string
  readonly task: string
  /**
   * To be told what is asked for, as soon as that is known and before anything is made.
   * @throws Fault `idempotency_key_reused` when the key stands for another call. Also ends a call that has been answered
   * before; what it throws then has to get through.
   */
  asks(...what: readonly string[]): void
}

/** What calls make. */
export interface Created {
  readonly image: ImageRecord
  readonly task: Task
}

export interface IdempotentResult<T> {
  readonly value: T
  /** Whether this is the answer of an earlier call. */
  readonly replayed: boolean
}

export interface IdempotencyOptions<K extends keyof Created> {
  /** The idempotency key, as it came; undefined for a call that may be made again and again. */
  readonly key: string | undefined
  /** Which kind of call it is: a key is good for one. */
  readonly call: string
  readonly makes: K
}

type OnceNeeds = Pick<Ports, 'keys' | 'events' | 'writes' | 'storeTimeout'>

/**
 * Does the work of a call withIdempotency for each idempotency key of an account, on however many gateways it is asked for, and
 * answers further calls with what the first one was answered. A call that is refused has made nothing, and its key can be
 * used again. Without a key it does the work, and that is all.
 * @throws Fault `idempotency_key_in_use` while another attempt goes on, `idempotency_key_reused`, `invalid_request` for a
 * key that is none, or whatever the work throws.
 */
export function withIdempotency({ keys, events, writes, storeTimeout }: OnceNeeds) {
  return async <K extends keyof Created>(
    who: Principal,
    { key, call, makes }: IdempotencyOptions<K>,
    work: (attempt?: IdempotentCall) => Promise<Created[K]>,
  ): Promise<IdempotentResult<Created[K]>> => {
    if (key === undefined) return { value: await work(), replayed: false }
    const at = { account: who.account, name: digest(requireKey(key)) }
    const newId = () => Bun.randomUUIDv7('hex', events.now())
    const claim = await take(keys, at, newId)
    const { state, image, task, fingerprint, made } = claim.value
    // Key records are written in the background and do not use the call's store timeout.
    using word =
      state === 'done' ? undefined : storeTimeout.detached(() => holding({ keys, storeTimeout }, at, claim))
    let asked = ''
    let replayed = false
    const attempt: IdempotentCall = {
      image,
      task,
      asks(...what) {
        asked = digest(JSON.stringify([call, ...what]))
        if (state !== 'done') return
        if (asked !== fingerprint) throw keyReused()
        replayed = true
        throw new Fault('conflict', 'This call has been answered before.')
      },
    }
    try {
      const value = await work(attempt)
      const made = { [makes]: value } as unknown as Made
      await waitBriefly(word?.say({ state: 'done', fingerprint: asked, made }))
      return { value, replayed: false }
    } catch (thrown) {
      if (replayed) {
        if (makes === 'task') await noteFirst(who.account, task)
        return { value: madeOf(made, makes), replayed }
      }
      const fault = Fault.of(thrown)
      const said = word?.say({ state: 'open', ...idsAfter(fault, claim.value, newId) })
      // A store that is in trouble would keep the caller from hearing of it.
      if (!fault.row.isStoreFault) await waitBriefly(said)
      throw thrown
    }
  }

  /** It may have been another gateway that has written it; nobody fails for not knowing where. */
  async function noteFirst(account: string, task: string): Promise<void> {
    const last = await events.last(account, task).catch(() => null)
    if (last) writes.noted(account, last.seq)
  }
}

/** What an image that is stored in this attempt is to be; it is asked for by its digest, and `what` else there is. */
export function storeImageOptions(
  attempt: IdempotentCall | undefined,
  ...what: readonly string[]
): StoreImageOptions | undefined {
  return attempt && { id: attempt.image, found: (sha256) => attempt.asks(sha256, ...what) }
}

/** That a key stands for another call. */
export function keyReused(): Fault {
  return new Fault('idempotency_key_reused', 'This idempotency key was used for another call.', {
    field: 'Idempotency-Key',
    remedy: 'Use a new key for each call, and the same key only to make the very same call again.',
  })
}

interface Place {
  readonly account: string
  readonly name: string
}

/** What stands for a key that has been used, or a claim to be the next who uses it. */
async function take(
  keys: Fenced<KeyRecord>,
  { account, name }: Place,
  newId: () => string,
): Promise<Revised<KeyRecord>> {
  const begun = performance.now()
  let met: { revision: number; at: number } | undefined
  while (performance.now() - begun < longestLookMs) {
    const there = await keys.get(account, name)
    if (there?.value.state === 'done') return there
    const isSilent = met?.revision === there?.revision && performance.now() - (met?.at ?? 0) > silenceMs
    if (there === null || there.value.state === 'open' || isSilent) {
      const value: KeyRecord = {
        state: 'working',
        image: there?.value.image ?? newId(),
        task: there?.value.task ?? newId(),
        attempt: crypto.randomUUID(),
        beat: 0,
      }
      const revision = await keys.put(account, name, value, there?.revision ?? 0)
      if (revision !== null) return { value, revision }
    } else if (met === undefined) met = { revision: there.revision, at: performance.now() }
    else if (met.revision !== there.revision) throw inUse()
    await pause(lookEveryMs)
  }
  throw inUse()
}

/** Says again and again that the attempt goes on. Disposing stops that. */
function holding(
  { keys, storeTimeout }: Pick<Ports, 'keys' | 'storeTimeout'>,
  { account, name }: Place,
  claim: Revised<KeyRecord>,
) {
  let { value, revision } = claim
  let isWriting = false
  let last = Promise.resolve()
  const put = async (change: Partial<KeyRecord>) => {
    const next = { ...value, ...change, beat: value.beat + 1 }
    // Whoever cannot say it has made what it has made: the next attempt will meet that.
    isWriting = true
    const said = await keys.put(account, name, next, revision).catch(() => null)
    isWriting = false
    if (said !== null) [value, revision] = [next, said]
  }
  const say = (change: Partial<KeyRecord>) => (last = last.then(() => put(change)))
  const beat = () => {
    if (!isWriting) void say({})
  }
  const timer = setInterval(beat, beatEveryMs)
  return {
    /** The last word. It comes after a beat that is under way, and goes on though nobody waits for it. */
    say(change: Partial<KeyRecord>) {
      clearInterval(timer)
      return storeTimeout.detached(() => say(change))
    },
    [Symbol.dispose]() {
      clearInterval(timer)
    },
  }
}

/** A refusal leaves nothing that the next attempt should meet; after any other fault nobody knows. */
function idsAfter(
  fault: Fault,
  { image, task }: KeyRecord,
  newId: () => string,
): Pick<KeyRecord, 'image' | 'task'> {
  const isRefused = fault.row.http < 500
  return {
    image: isRefused ? newId() : image,
    // A task that found no room has been taken back, and its id with it.
    task: isRefused || fault.code === 'queue_full' ? newId() : task,
  }
}

/** What is written of a call, as long as its answer waits for it. */
async function waitBriefly(said: Promise<void> | undefined): Promise<void> {
  if (said) await Promise.race([said, pause(longestWriteMs)])
}

function madeOf<K extends keyof Created>(made: Made | undefined, kind: K): Created[K] {
  const found = (made as Partial<Created> | undefined)?.[kind]
  if (found === undefined) throw new Fault('internal', 'The earlier answer is gone.')
  return found
}

/** In quotes, as the draft of the header writes it, or as it is. */
function requireKey(key: string): string {
  const plain = /^"(.*)"$/.exec(key)?.[1] ?? key
  if (/^[\u0021-\u007E]{1,255}$/.test(plain)) return plain
  throw new Fault('invalid_request', 'The idempotency key is not 1 to 255 visible ASCII characters.', {
    field: 'Idempotency-Key',
    remedy: 'Send one key, such as a random UUID.',
  })
}

function digest(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('hex')
}

function inUse(): Fault {
  return new Fault('idempotency_key_in_use', 'A call with this idempotency key is still under way.', {
    field: 'Idempotency-Key',
    remedy: 'Make it again in a moment to get its answer.',
    retryAfterMs: 1000,
  })
}
