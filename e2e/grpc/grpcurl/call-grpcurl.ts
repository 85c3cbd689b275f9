import {
  create,
  createRegistry,
  fromJson,
  toJson,
  type DescMessage,
  type DescMethod,
  type JsonValue,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf'
import { anyUnpack } from '@bufbuild/protobuf/wkt'
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from '@pixelflow/proto/google/rpc/error_details_pb'
import { StatusSchema } from '@pixelflow/proto/google/rpc/status_pb'
import { runProgram } from '../run-program.ts'

/** How grpcurl connects to a server: the program, the address, and the credentials. */
export interface GrpcurlCaller {
  /** Path of grpcurl. */
  readonly program: string
  readonly address: string
  /** Flags for the connection: `-plaintext`, or certificates. */
  readonly connection: readonly string[]
  readonly token?: string
}

export interface GrpcurlOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly deadlineS?: number
  /** Makes grpcurl print headers and trailers too. */
  readonly verbose?: boolean
}

type Method<I extends DescMessage, O extends DescMessage> = DescMethod & { input: I; output: O }

/** The messages and the status of a call. */
export interface GrpcurlResult<O> {
  readonly responses: O[]
  /** Status code; 0 is success. */
  readonly code: number
  readonly detail: string
  readonly info: { readonly reason: string; readonly domain: string } | undefined
  readonly requestId: string | undefined
  readonly fields: readonly string[]
  readonly remedy: string | undefined
  /** Standard output of grpcurl. */
  readonly text: string
}

const registry = createRegistry(
  ErrorInfoSchema,
  RequestInfoSchema,
  BadRequestSchema,
  RetryInfoSchema,
  LocalizedMessageSchema,
)
/** grpcurl exits with the sum of this and the status code. */
const statusBase = 64

/** Runs grpcurl with server reflection. */
export function runGrpcurl({ program, address, connection }: GrpcurlCaller, ...args: readonly string[]) {
  return runProgram([program, ...connection, address, ...args])
}

/** Calls a method with one message or several, and parses the responses. */
export async function callGrpcurl<I extends DescMessage, O extends DescMessage>(
  { program, address, connection, token }: GrpcurlCaller,
  method: Method<I, O>,
  request: MessageInitShape<I> | readonly MessageInitShape<I>[],
  { headers = {}, deadlineS = 20, verbose = false }: GrpcurlOptions = {},
): Promise<GrpcurlResult<MessageShape<O>>> {
  const all = Object.entries(token === undefined ? headers : { authorization: `Bearer ${token}`, ...headers })
  const headerFlags = all.flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const flags = ['-format-error', '-max-time', String(deadlineS), ...(verbose ? ['-v'] : []), ...headerFlags]
  const { code, out, errors } = await runProgram(
    [program, ...connection, ...flags, '-d', '@', address, `${method.parent.typeName}/${method.name}`],
    {
      input: (Array.isArray(request) ? request : [request])
        .map((one: MessageInitShape<I>) => JSON.stringify(toJson(method.input, create(method.input, one))))
        .join('\n'),
    },
  )
  const responses = parseMessages(out).map((json) => fromJson(method.output, json))
  if (code !== 0 && code < statusBase) throw new Error(`grpcurl exited with ${code}: ${errors}`)
  return { responses, text: out, ...statusOf(code === 0 ? undefined : parseMessages(errors)[0]) }
}

function statusOf(json: JsonValue | undefined) {
  const status = json === undefined ? create(StatusSchema) : fromJson(StatusSchema, json, { registry })
  const found = <D extends DescMessage>(schema: D) =>
    status.details.map((one) => anyUnpack(one, schema)).find((one) => one !== undefined)
  return {
    code: status.code,
    detail: status.message,
    info: found(ErrorInfoSchema),
    requestId: found(RequestInfoSchema)?.requestId,
    fields: found(BadRequestSchema)?.fieldViolations.map(({ field }) => field) ?? [],
    remedy: found(LocalizedMessageSchema)?.message,
  }
}

/** Parses the output of grpcurl: the outer braces of every message are at the beginning of a line. */
function parseMessages(text: string): JsonValue[] {
  return [...text.matchAll(/^\{(?:\}|\n[\s\S]*?^\})$/gm)].map(([json]) => JSON.parse(json) as JsonValue)
}
