import { Fault } from '@pixelflow/core/fault'
import { requireScope, type Principal } from '@pixelflow/core/principal'
import { requireValidPosition, waitForPosition, writePositionOf } from '../consistency/wait-for-position.ts'
import { withIdempotency, type Created, type IdempotentCall } from '../idempotency/with-idempotency.ts'
import type { Ports } from '../ports.ts'
import type { Access, CallerInfo, CallFacts, CallResult, JsonCall, UnaryCall } from './declare-call.ts'

/** The account of callers of public calls, which has no scopes. */
export const anonymous: Principal = { account: 'anonymous', scopes: new Set() }

/** Reports a call that is audited, and its result: `ok` or the code of a fault. */
export type Audit = (entry: AuditEntry) => void

export interface AuditEntry {
  readonly call: string
  readonly account: string
  readonly requestId: string
  /** The id in the input, if it has one. */
  readonly target: string | undefined
  readonly result: string
}

/** The validated input of a call. */
export type CallInput = Readonly<Record<string, unknown>>

/** Runs calls with the rules that hold for every transport: scopes, idempotency, positions and the audit. */
export interface CallRunner {
  /** Runs a unary call; its input has been validated. The value is the output. */
  run(call: UnaryCall, who: Principal, input: CallInput, context: CallerInfo): Promise<CallResult<unknown>>
  /** Runs a call that has `toJson`, as `run` does. The value is the JSON of the output. */
  runToJson(
    call: JsonCall,
    who: Principal,
    input: CallInput,
    context: CallerInfo,
  ): Promise<CallResult<string>>
  /**
   * Runs the part of a call with a body that creates a resource, once for each idempotency key. The resource is that of
   * the declaration; the argument gives the type of the result.
   * @param keyKind replaces that of the call, for a form that does more than the call itself
   */
  create<R extends keyof Created>(
    call: CallFacts,
    resource: R,
    who: Principal,
    context: CallerInfo & { readonly keyKind?: string },
    work: (keyed?: IdempotentCall<Created[R]>) => Promise<Created[R]>,
  ): Promise<CallResult<Created[R]>>
}

/** Whether a call acts for an account, so that its caller needs credentials. */
export function needsAccount(access: Access): access is Exclude<Access, 'public' | 'probe'> {
  return access !== 'public' && access !== 'probe'
}

/** @throws Fault `forbidden` when a caller lacks the scope of a call. */
export function requireAccess(who: Principal, access: Access): void {
  if (needsAccount(access) && access !== 'any') requireScope(who, access)
}

export function createCallRunner(ports: Ports, audit: Audit): CallRunner {
  const runKeyed = withIdempotency(ports)
  const positionOf = writePositionOf(ports)
  const functions = new WeakMap<UnaryCall, ReturnType<UnaryCall['open']>>()

  /** The function of a call, which is created at its first use. */
  const functionOf = (call: UnaryCall) => {
    const known = functions.get(call)
    if (known) return known
    const opened = call.open(ports)
    functions.set(call, opened)
    return opened
  }

  const invoke = async (
    call: UnaryCall,
    who: Principal,
    input: CallInput,
    context: CallerInfo,
  ): Promise<CallResult<unknown>> => {
    const work = functionOf(call)
    const { creates } = call
    if (creates === undefined) return work(who, input, { ...context, newId: undefined })
    const { value, replayed } = await runKeyed(
      who,
      { key: context.idempotencyKey, call: creates.keyKind, creates: creates.resource },
      async (keyed) =>
        keyed?.earlierResult(...(creates.identify?.(input) ?? [JSON.stringify(input)])) ??
        ((await work(who, input, { ...context, newId: keyed?.[creates.resource] }))
          .value as Created[typeof creates.resource]),
    )
    return { value, replayed }
  }

  /** Runs a call with all rules; the value is that of its function. */
  const runWithRules = async (
    call: UnaryCall,
    who: Principal,
    input: CallInput,
    context: CallerInfo,
  ): Promise<CallResult<unknown>> => {
    requireAccess(who, call.access)
    const { value, position, replayed } = await audited(call, who, input, context, async () => {
      await reachPosition(call, context)
      return invoke(call, who, input, context)
    })
    return {
      value,
      position: position ?? (call.writes ? positionOf(who.account) : undefined),
      replayed,
    }
  }

  return {
    async run(call, who, input, context) {
      const result = await runWithRules(call, who, input, context)
      return call.view ? { ...result, value: call.view(result.value) } : result
    },
    async runToJson(call, who, input, context) {
      const result = await runWithRules(call, who, input, context)
      return { ...result, value: call.toJson(result.value) }
    },
    async create(call, resource, who, { keyKind = call.creates?.keyKind, ...context }, work) {
      if (keyKind === undefined || call.creates?.resource !== resource)
        throw new Error(`${call.name} does not declare that it creates a resource of the kind ${resource}.`)
      requireAccess(who, call.access)
      const key = { key: context.idempotencyKey, call: keyKind, creates: resource }
      const { value, replayed } = await runKeyed(who, key, work)
      return { value, position: call.writes ? positionOf(who.account) : undefined, replayed }
    },
  }

  /** Waits until what a call reads includes everything up to the position that its caller has sent. */
  async function reachPosition({ readsAtPosition }: CallFacts, { position }: CallerInfo): Promise<void> {
    if (readsAtPosition === 'log') await requireValidPosition(ports.follower, position)
    if (readsAtPosition === 'list') await waitForPosition(ports.follower, position)
  }

  async function audited<T>(
    { name, isAudited }: UnaryCall,
    { account }: Principal,
    input: CallInput,
    { requestId }: CallerInfo,
    work: () => Promise<T>,
  ): Promise<T> {
    if (isAudited !== true) return work()
    const entry = { call: name, account, requestId, target: targetOf(input) }
    try {
      const result = await work()
      audit({ ...entry, result: 'ok' })
      return result
    } catch (thrown) {
      audit({ ...entry, result: Fault.of(thrown).code })
      throw thrown
    }
  }
}

function targetOf({ id }: CallInput): string | undefined {
  return typeof id === 'string' ? id : undefined
}
