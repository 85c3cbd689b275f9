import { floodGrpc, type GrpcFlood } from './flood-grpc.ts'
import { floodHttp, type HttpFlood } from './flood-http.ts'

/** All floods of incomplete requests at once. */
export interface Floods extends Disposable {
  readonly opened: number
  /** Requests that were refused, timed out or cut off. */
  readonly ended: number
  readonly parts: readonly NamedFlood[]
}

interface NamedFlood {
  readonly name: string
  readonly flood: GrpcFlood | HttpFlood
}

export interface FloodTarget {
  /** E.g. `http://127.0.0.1:3000`. */
  readonly url: string
  /** Address of the gRPC port, as `host:port`. */
  readonly grpcAddress: string
  /** Token for the floods that have credentials; without it they are unauthenticated as well. */
  readonly token?: string
  /** Selects floods by name; all by default. */
  readonly only?: RegExp
}

const KiB = 1024
const MiB = 1024 * KiB
const service = '/pixelflow.v1.ImageService'
const reflection = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'

/** One kind of incomplete request. */
export interface IncompleteFlood {
  /** Whether the requests have credentials. */
  readonly hasToken: boolean
  /** Connections of the complete flood. */
  readonly connections: number
  /** Opens this many connections. */
  open(connections: number): Promise<GrpcFlood | HttpFlood>
}

/** All floods by name. Unauthenticated and public floods start with that word. */
export function incompleteFloods({
  url,
  grpcAddress: address,
  token,
}: Omit<FloodTarget, 'only'>): Readonly<Record<string, IncompleteFlood>> {
  const known = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const native = (path: string, sentBytes: number, headers = {}): IncompleteFlood => ({
    hasToken: 'authorization' in headers,
    connections: 2,
    open: (connections) =>
      floodGrpc({ address, connections, streams: 256, path, declaredBytes: sentBytes, sentBytes, headers }),
  })
  const body = (
    connections: number,
    type: string,
    path: string,
    sentBytes: number,
    begin = '',
    headers = {},
  ): IncompleteFlood => ({
    hasToken: 'authorization' in headers,
    connections,
    open: (count) =>
      floodHttp({
        url,
        path,
        count,
        sentBytes,
        begin: Buffer.from(begin, 'latin1'),
        headers: { 'content-type': type, ...headers },
      }),
  })
  const part = (name: string, fileName = '') =>
    `--b\r\nContent-Disposition: form-data; name="${name}"${fileName}\r\n\r\n`
  const form = 'multipart/form-data; boundary=b'
  const envelope = (bytes: number) =>
    String.fromCharCode(0, bytes >>> 24, (bytes >>> 16) & 255, (bytes >>> 8) & 255, bytes & 255)

  return {
    'unauthenticated native messages': native(`${service}/GetTask`, 4 * MiB),
    'public native messages': native(`${service}/GetVersion`, 60 * KiB),
    'public native streams': native(reflection, 60 * KiB),
    'unauthenticated Connect messages': body(1000, 'application/proto', `${service}/CreateTask`, MiB),
    'public Connect messages': body(1000, 'application/proto', `${service}/GetVersion`, 60 * KiB),
    'public gRPC-Web messages': body(
      300,
      'application/grpc-web+proto',
      `${service}/GetVersion`,
      60 * KiB,
      envelope(60 * KiB),
    ),
    'unauthenticated JSON': body(300, 'application/json', '/api/v1/tasks', MiB),
    'native chunks': native(`${service}/Upload`, 4 * MiB, known),
    'native images': native(`${service}/ProcessImageUnary`, 4 * MiB, known),
    'Connect images': body(
      100,
      'application/proto',
      `${service}/ProcessImageUnary`,
      4 * MiB - KiB,
      '',
      known,
    ),
    'Connect chunks': body(
      100,
      'application/connect+proto',
      `${service}/Upload`,
      4 * MiB,
      envelope(4 * MiB - KiB),
      known,
    ),
    'fields of forms': body(300, form, '/api/v1/tasks', MiB, part('recipe'), known),
    'files in forms': body(
      300,
      form,
      '/api/v1/tasks',
      MiB,
      `${part('file', '; filename="a.jpg"')}\xff\xd8\xff\xe0`,
      known,
    ),
    JSON: body(300, 'application/json', '/api/v1/tasks', MiB, '{"image":"', known),
    'plain uploads': body(300, 'image/jpeg', '/api/v1/images', MiB, '\xff\xd8\xff\xe0', known),
  }
}

/** Opens the floods and sends what the gateway takes. The connections stay open until the floods are disposed. */
export async function startFloods({ only = /./, ...target }: FloodTarget): Promise<Floods> {
  const parts: NamedFlood[] = []
  const sum = (of: (flood: GrpcFlood | HttpFlood) => number) =>
    parts.reduce((total, { flood }) => total + of(flood), 0)
  const chosen = Object.entries(incompleteFloods(target)).filter(([name]) => only.test(name))
  const started = chosen.map(async ([name, { connections, open }]) => {
    const flood = await open(connections)
    parts.push({ name, flood })
    await flood.waitUntilSettled()
  })
  await Promise.all(started)
  return {
    parts,
    get opened() {
      return sum((flood) => flood.opened)
    },
    get ended() {
      return sum((flood) => flood.ended)
    },
    [Symbol.dispose]() {
      for (const { flood } of parts) flood[Symbol.dispose]()
    },
  }
}
