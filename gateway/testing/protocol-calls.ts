import { fromBinary, toBinary, toJsonString, type DescMessage, type DescMethod } from '@bufbuild/protobuf'
import type { Message } from '@bufbuild/protobuf'
import { Code } from '@connectrpc/connect'
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
} from '@pixelflow/proto/google/rpc/error_details_pb'
import { StatusSchema } from '@pixelflow/proto/google/rpc/status_pb'
import type { Gateway } from '../gateway.ts'
import { envelope, envelopesIn, type Envelope } from './envelope.ts'
import { failure, grpcClient } from './grpc-client.ts'

/** The result of a call, in the same form for every protocol. */
export interface CallResult {
  /** gRPC status code; 0 is OK. */
  readonly code: number
  readonly message: string
  /** Fault code, such as `invalid_recipe`. */
  readonly reason: string | undefined
  readonly field: string | undefined
  readonly remedy: string | undefined
  /** Encoded response messages. */
  readonly messages: readonly Uint8Array[]
}

type Target = Pick<Gateway, 'url' | 'grpcAddress'>
/** Makes a call with these request messages. */
export type ProtocolCall = (
  gateway: Target,
  method: DescMethod,
  messages: readonly Message[],
) => Promise<CallResult>

/** Every protocol of the service, encoded here by its specification; gRPC with its library. */
export const protocolCalls = {
  gRPC: overGrpc,
  'Connect, binary': overConnect('proto', toBinary),
  'Connect, JSON': overConnect('json', jsonBytes),
  'gRPC-Web': overGrpcWeb('application/grpc-web+proto', Buffer.from, Buffer.from),
  'gRPC-Web, text': overGrpcWeb(
    'application/grpc-web-text',
    (bytes) => Buffer.from(bytes.toString('base64')),
    // Each piece of the body is encoded on its own, with its own padding.
    (bytes) =>
      Buffer.concat([...bytes.toString().matchAll(/[^=]+=*/g)].map(([one]) => Buffer.from(one, 'base64'))),
  ),
} satisfies Record<string, ProtocolCall>

export type ProtocolName = keyof typeof protocolCalls
export const protocolNames = Object.keys(protocolCalls) as ProtocolName[]

/** Sends a raw body over Connect. */
export async function callConnect(
  { url }: Pick<Target, 'url'>,
  method: DescMethod,
  type: string,
  body: Uint8Array | string,
) {
  const answer = await fetch(new URL(pathOf(method), url), {
    method: 'POST',
    body: body as Uint8Array<ArrayBuffer>,
    headers: { 'content-type': type },
  })
  return connectOutcome(method, answer)
}

function overConnect(
  format: string,
  encode: (schema: DescMessage, message: Message) => Uint8Array,
): ProtocolCall {
  return (gateway, method, messages) => {
    const encoded = messages.map((one) => encode(method.input, one))
    return method.methodKind === 'unary'
      ? callConnect(gateway, method, `application/${format}`, Buffer.concat(encoded))
      : callConnect(
          gateway,
          method,
          `application/connect+${format}`,
          Buffer.concat(encoded.map((one) => envelope(one))),
        )
  }
}

interface ConnectError {
  readonly code: string
  readonly message?: string
  readonly details?: readonly { readonly type: string; readonly value: string }[]
}

async function connectOutcome({ methodKind }: DescMethod, answer: Response): Promise<CallResult> {
  const body = await answer.bytes()
  if (methodKind === 'unary') {
    return answer.ok ? success([body]) : failureOf(JSON.parse(Buffer.from(body).toString()) as ConnectError)
  }
  const { messages, last } = partsOf(body, 2)
  const { error } = JSON.parse(last.toString()) as { error?: ConnectError }
  return error ? failureOf(error) : success(messages)
}

function failureOf({ code, message = '', details = [] }: ConnectError): CallResult {
  const name = code.replaceAll(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase())
  return {
    ...errorDetails(details.map(({ type, value }) => ({ type, value: Buffer.from(value, 'base64') }))),
    code: Code[name as keyof typeof Code],
    message,
    messages: [],
  }
}

function overGrpcWeb(
  type: string,
  encode: (bytes: Buffer) => Buffer,
  decode: (bytes: Buffer) => Buffer,
): ProtocolCall {
  return async ({ url }, method, messages) => {
    const body = encode(Buffer.concat(messages.map((one) => envelope(toBinary(method.input, one)))))
    const answer = await fetch(new URL(pathOf(method), url), {
      method: 'POST',
      body: new Uint8Array(body),
      headers: { 'content-type': type, 'x-grpc-web': '1' },
    })
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`)
    const { messages: found, last } = partsOf(decode(Buffer.from(await answer.bytes())), 0x80)
    const trailers = new Headers(
      last
        .toString()
        .trim()
        .split('\r\n')
        .map((line) => line.split(/: ?(.*)/s, 2) as [string, string]),
    )
    const code = Number(trailers.get('grpc-status'))
    if (code === 0) return success(found)
    const bytes = Buffer.from(trailers.get('grpc-status-details-bin') ?? '', 'base64')
    return {
      ...statusDetails(bytes),
      code,
      message: decodeURIComponent(trailers.get('grpc-message') ?? ''),
      messages: found,
    }
  }
}

async function overGrpc(
  { grpcAddress }: Target,
  method: DescMethod,
  messages: readonly Message[],
): Promise<CallResult> {
  using client = grpcClient(grpcAddress)
  // On the wire, all kinds of call are a sequence of request messages and a sequence of response messages.
  const call = client.client.makeBidiStreamRequest(
    pathOf(method),
    (message: Message) => Buffer.from(toBinary(method.input, message)),
    (bytes: Buffer) => bytes,
  )
  for (const one of messages) call.write(one)
  call.end()
  const found: Uint8Array[] = []
  const over = (async () => {
    for await (const one of call) found.push(one as Uint8Array)
    return undefined
  })()
  const isSuccess = await over.then(
    () => true,
    () => false,
  )
  if (isSuccess) return success(found)
  const { code, details, metadata } = await failure(over)
  const [bytes] = metadata.get('grpc-status-details-bin')
  return {
    ...statusDetails(bytes instanceof Uint8Array ? bytes : new Uint8Array()),
    code,
    message: details,
    messages: found,
  }
}

function success(messages: readonly Uint8Array[]): CallResult {
  return { code: 0, message: '', reason: undefined, field: undefined, remedy: undefined, messages }
}

function partsOf(body: Uint8Array, lastFlag: number): { messages: Uint8Array[]; last: Buffer } {
  const all: Envelope[] = envelopesIn(body)
  const last = all.pop()
  if (last?.flag !== lastFlag)
    throw new Error(`The last envelope of the response has flag ${last?.flag}, expected ${lastFlag}.`)
  return { messages: all.map((one) => one.bytes), last: last.bytes }
}

function statusDetails(bytes: Uint8Array) {
  return errorDetails(
    fromBinary(StatusSchema, bytes).details.map(({ typeUrl, value }) => ({ type: typeUrl, value })),
  )
}

function errorDetails(details: readonly { readonly type: string; readonly value: Uint8Array }[]) {
  const found = (name: string) => details.find(({ type }) => type.endsWith(name))?.value ?? new Uint8Array()
  const { reason } = fromBinary(ErrorInfoSchema, found('ErrorInfo'))
  const field = fromBinary(BadRequestSchema, found('BadRequest')).fieldViolations[0]?.field
  const remedy = fromBinary(LocalizedMessageSchema, found('LocalizedMessage')).message
  return { reason: reason || undefined, field, remedy: remedy || undefined }
}

function jsonBytes(schema: DescMessage, message: Message): Uint8Array {
  return Buffer.from(toJsonString(schema, message))
}

function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`
}
