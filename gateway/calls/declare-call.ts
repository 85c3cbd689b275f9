import type { DescMethod } from '@bufbuild/protobuf'
import type { FaultCode } from '@pixelflow/core/fault'
import type { Principal, Scope } from '@pixelflow/core/principal'
import type { z } from 'zod'
import type { Ports } from '../ports.ts'

/**
 * What a caller needs. `any`: an account, with any scope. `public`: no credentials, but a page of another origin is
 * refused. `probe`: nothing at all, because load balancers and kubelets have no credentials and use any host name.
 */
export type Access = Scope | 'any' | 'public' | 'probe'

/** How much a request may hold. `small`: a few names, `json`: one JSON value or message, `image`: an image file in pieces. */
export type LimitsClass = 'small' | 'json' | 'image'

/** How a call is made over REST. A GET route also answers HEAD. */
export interface HttpBinding {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /**
   * Its parameters are fields of the input. The other fields come from the query; those of a POST with a JSON body come
   * from the body.
   */
  readonly path: `/${string}`
  readonly body?: 'json'
  /** Documents HEAD as an operation of its own. */
  readonly head?: { readonly name: string; readonly summary: string }
}

/** What identifies a call with an idempotency key, and what it creates. */
export interface Creation<Input> {
  readonly resource: 'image' | 'task'
  /** A key is valid for one kind of call. Stored with each key, so it stays as it is. */
  readonly keyKind: string
  /**
   * What the caller asks for; a repetition must ask for the same. Default: the whole input. The handler of a stream passes
   * it to `earlierResult` when it has been read.
   */
  identify?(input: Input): readonly string[]
}

/** The facts of a call that are the same for every transport, and from which its documentation is made. */
export interface CallFacts<Input = unknown> {
  /** The operation id of OpenAPI, and the name of the call in the clients and the log. */
  readonly name: string
  readonly tag: 'images' | 'tasks' | 'admin' | 'system'
  readonly summary: string
  readonly description?: string
  readonly http?: HttpBinding
  readonly rpc?: DescMethod
  /** Checked before the body of a call is read. */
  readonly access: Access
  /** Codes of the faults that it can answer besides those of every call. */
  readonly faults?: readonly FaultCode[]
  /** Clients repeat every other call when it fails, so a call that creates nothing must be idempotent. */
  readonly creates?: Creation<Input>
  /** Changes tasks: the response has the account's write position. */
  readonly writes?: true
  /**
   * A caller may send a position; the response reflects every write up to it. `log`: the call reads the event log, which is
   * current; `list`: it reads the task list, which must catch up first.
   */
  readonly readsAtPosition?: 'log' | 'list'
  /** Default: `json`. */
  readonly limits?: LimitsClass
}

/** What a call knows of its caller besides the input. */
export interface CallerInfo {
  readonly requestId: string
  readonly idempotencyKey: string | undefined
  /** The position that a read must include. */
  readonly position: string | undefined
}

/** What a function of a call gets besides the input. */
export interface FunctionContext extends Pick<CallerInfo, 'requestId'> {
  /** The id that the created resource must get, so that a repetition of the call finds it. */
  readonly newId: string | undefined
}

export interface CallResult<Value> {
  readonly value: Value
  /** The write position of the account that the call has written to. */
  readonly position?: string | undefined
  /** Whether an earlier call with the same idempotency key has created the value. */
  readonly replayed?: boolean | undefined
}

/** A call with one input and one output. Every transport derives all of it from this. */
export interface UnaryCall<
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodType | null = z.ZodType | null,
  Value = unknown,
> extends CallFacts<z.output<Input>> {
  readonly kind: 'unary'
  readonly http: HttpBinding
  /** Logs who made the call, and with which result. */
  readonly isAudited?: true
  readonly input: Input
  /** Null: the response is empty. */
  readonly output: Output
  /** Converts the value to the output. Default: it is the output already. */
  view?(value: Value): ValueOf<Output>
  /**
   * The JSON of the output, for a value that contains JSON already: REST sends it as it is. It is what `JSON.stringify` makes
   * of the output.
   */
  toJson?(value: Value): string
  readonly response: UnaryResponse<ValueOf<Output>>
  /** Creates the function of the call. */
  open(
    ports: Ports,
  ): (who: Principal, input: z.output<Input>, context: FunctionContext) => MaybePromise<CallResult<Value>>
}

/** A call whose value contains the JSON of its output. */
export type JsonCall = UnaryCall & Required<Pick<UnaryCall, 'toJson'>>

export function isJsonCall(call: UnaryCall): call is JsonCall {
  return call.toJson !== undefined
}

/** What REST answers a successful call with. */
export interface UnaryResponse<Output> {
  /** Default: 200; 204 without an output. */
  readonly status?: 201 | 202
  readonly description: string
  /** The output for an input never changes, and is the same object each time: REST compresses it once and gives it an ETag. */
  readonly isConstant?: true
  /** Path of the created resource. */
  location?(output: Output): string
  readonly example?: unknown
}

/** A call whose body a transport reads or writes itself: files, streams of events, sessions. */
export interface StreamCall extends CallFacts {
  readonly kind: 'stream'
  /** The parameters of path and query. */
  readonly input: z.ZodObject
  /** Creates the use case that the transports call. */
  open?(ports: Ports): unknown
}

export type CallDeclaration = UnaryCall | StreamCall
export type ValueOf<Output extends z.ZodType | null> = Output extends z.ZodType ? z.output<Output> : undefined
type MaybePromise<T> = T | Promise<T>

export function declareCall<Input extends z.ZodObject, Output extends z.ZodType | null, Value>(
  call: Omit<UnaryCall<Input, Output, Value>, 'kind'>,
): UnaryCall<Input, Output, Value> {
  return { ...call, kind: 'unary' }
}

export function declareStream<const Declared extends Omit<StreamCall, 'kind'>>(
  call: Declared,
): Declared & Pick<StreamCall, 'kind'> {
  return { ...call, kind: 'stream' }
}
