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

/** A user of grpcurl: the program, the address, and the credentials. */
export interface Caller {
  /** Path of grpcurl. */
  readonly program: string
  readonly address: string
  /** Its flags for the connection: `-plaintext`, or certificates. */
  readonly connection: readonly string[]
  readonly token?: string
}

export interface GrpcurlOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly deadlineS?: number
  /** Lets grpcurl write the headers and trailers too. */
  readonly verbose?: boolean
}

type Method<I extends DescMessage, O extends DescMessage> = DescMethod & { input: I; output: O }

/** What came of a call. */
export interface Ending<O> {
  readonly answers: O[]
  /** Canonical code; 0 is success. */
  readonly code: number
  readonly detail: string
  readonly info: { readonly reason: string; readonly domain: string } | undefined
  readonly requestId: string | undefined
  readonly fields: readonly string[]
  readonly remedy: string | undefined
  /** Everything grpcurl has written to standard output. */
  readonly text: string
}

const registry = createRegistry(
  ErrorInfoSchema,
  RequestInfoSchema,
  BadRequestSchema,
  RetryInfoSchema,
  LocalizedMessageSchema,
)
/** The exit code of grpcurl is this and the status code. */
const statusBase = 64

/** Runs grpcurl as a user would, with server reflection. */
export async function run({ program, address, connection }: Caller, ...args: readonly string[]) {
  return spawn([program, ...connection, address, ...args])
}

/** A call of one message, or of many; each answer is read as the contract says. */
export async function call<I extends DescMessage, O extends DescMessage>(
  { program, address, connection, token }: Caller,
  method: Method<I, O>,
  request: MessageInitShape<I> | readonly MessageInitShape<I>[],
  { headers = {}, deadlineS = 20, verbose = false }: GrpcurlOptions = {},
): Promise<Ending<MessageShape<O>>> {
  const all = Object.entries(token === undefined ? headers : { authorization: `Bearer ${token}`, ...headers })
  const metadata = all.flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const flags = ['-format-error', '-max-time', String(deadlineS), ...(verbose ? ['-v'] : []), ...metadata]
  const { code, out, errors } = await spawn(
    [program, ...connection, ...flags, '-d', '@', address, `${method.parent.typeName}/${method.name}`],
    (Array.isArray(request) ? request : [request])
      .map((one: MessageInitShape<I>) => JSON.stringify(toJson(method.input, create(method.input, one))))
      .join('\n'),
  )
  const answers = jsonIn(out).map((json) => fromJson(method.output, json))
  if (code !== 0 && code < statusBase) throw new Error(`grpcurl ended with ${code}: ${errors}`)
  return { answers, text: out, ...failureOf(code === 0 ? undefined : jsonIn(errors)[0]) }
}

function failureOf(json: JsonValue | undefined) {
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

/** The messages in what grpcurl writes, each with its braces at the beginning of a line. */
function jsonIn(text: string): JsonValue[] {
  return [...text.matchAll(/^\{(?:\}|\n[\s\S]*?^\})$/gm)].map(([json]) => JSON.parse(json) as JsonValue)
}

async function spawn(command: readonly string[], input = '') {
  const child = Bun.spawn([...command], { stdin: Buffer.from(input), stdout: 'pipe', stderr: 'pipe' })
  const [code, out, errors] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()])
  return { code, out, errors }
}
