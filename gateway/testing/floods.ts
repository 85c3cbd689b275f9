import { floodGrpc, type GrpcFlood } from './flood-grpc.ts'
import { floodHttp, type HttpFlood } from './flood-http.ts'

/** Every flood of unfinished requests at once. Only tests and benchmarks use this. */
export interface Floods extends Disposable {
  readonly opened: number
  /** Requests that were refused, given up or cut off. */
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
  /** Where native gRPC is spoken, as `host:port`. */
  readonly grpcAddress: string
  /** Token of an account, for the floods of a known caller; without it they come from nobody, too. */
  readonly token?: string
  /** Which of them; all by default. */
  readonly only?: RegExp
}

const KiB = 1024
const MiB = 1024 * KiB
const service = '/pixelflow.v1.ImageService'
const reflection = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'

/** One kind of unfinished request. */
export interface UnfinishedFlood {
  /** Connections that make up the whole of it. */
  readonly connections: number
  /** Opens so many of them. */
  open(connections: number): Promise<GrpcFlood | HttpFlood>
}

/** Every flood by its name. Those of nobody and for anybody bring no token. */
export function unfinishedFloods({
  url,
  grpcAddress: address,
  token,
}: Omit<FloodTarget, 'only'>): Readonly<Record<string, UnfinishedFlood>> {
  const known = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const native = (path: string, sentBytes: number, headers = {}): UnfinishedFlood => ({
    connections: 2,
    open: (connections) =>
      floodGrpc({ address, connections, streams: 256, path, claimedBytes: sentBytes, sentBytes, headers }),
  })
  const body = (
    connections: number,
    type: string,
    path: string,
    sentBytes: number,
    begin = '',
    headers = {},
  ): UnfinishedFlood => ({
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
    'native messages of nobody': native(`${service}/GetTask`, 4 * MiB),
    'native messages of calls for anybody': native(`${service}/GetVersion`, 60 * KiB),
    'native streams for anybody': native(reflection, 60 * KiB),
    'Connect messages of nobody': body(1000, 'application/proto', `${service}/CreateTask`, MiB),
    'Connect messages for anybody': body(1000, 'application/proto', `${service}/GetVersion`, 60 * KiB),
    'gRPC-Web messages for anybody': body(
      300,
      'application/grpc-web+proto',
      `${service}/GetVersion`,
      60 * KiB,
      envelope(60 * KiB),
    ),
    'JSON of nobody': body(300, 'application/json', '/api/v1/tasks', MiB),
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

/** Opens all of them and sends what the gateway takes; they stay open until they are disposed of. */
export async function startFloods({ only = /./, ...target }: FloodTarget): Promise<Floods> {
  const parts: NamedFlood[] = []
  const sum = (of: (flood: GrpcFlood | HttpFlood) => number) =>
    parts.reduce((total, { flood }) => total + of(flood), 0)
  const chosen = Object.entries(unfinishedFloods(target)).filter(([name]) => only.test(name))
  const started = chosen.map(async ([name, { connections, open }]) => {
    const flood = await open(connections)
    parts.push({ name, flood })
    await flood.settled()
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
