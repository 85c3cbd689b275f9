import { check } from 'k6'
import encoding from 'k6/encoding'
import { Trend } from 'k6/metrics'
import grpc, { type GrpcError } from 'k6/net/grpc'
import { hexDigest } from './hex-digest.ts'
import { settings } from './settings.ts'

const service = 'pixelflow.v1.ImageService'
const chunkBytes = 128 * 1024
const { token, ca, cert, key } = settings
const params = {
  metadata: token === undefined ? {} : { authorization: `Bearer ${token}` },
  timeout: '60s',
}

const client = new grpc.Client()
client.load([settings.protoFolder, `${settings.protoFolder}/vendor`], 'pixelflow/v1/image.proto')
let isConnected = false

/** Time of an upload in milliseconds, until the image is stored. */
const uploadDuration = new Trend('upload_duration', true)

/** The calls of the users over gRPC. `unary` and `upload` check the response. */
export const grpcCalls = { unary, stream, upload }

/** Makes a unary call. Returns its message; undefined when it failed. */
function unary(method: string, request: object): object | undefined {
  const { status, message } = connect().invoke(`${service}/${method}`, request, params)
  check(status, { [`${method} succeeds`]: (code) => code === grpc.StatusOK })
  return status === grpc.StatusOK ? message : undefined
}

/**
 * Makes a call with streams: sends all requests, and passes each response to `onMessage`. Resolves after the last one, with
 * the error of the call if it failed.
 */
function stream(
  method: string,
  requests: readonly object[],
  onMessage: (message: object) => void,
): Promise<GrpcError | undefined> {
  return new Promise((resolve) => {
    let error: GrpcError | undefined
    const open = new grpc.Stream(connect(), `${service}/${method}`, params)
    open.on('data', (message) => onMessage(message as object))
    open.on('error', (thrown) => (error = thrown as GrpcError))
    // It follows an error too.
    open.on('end', () => resolve(error))
    for (const request of requests) open.write(request)
    open.end()
  })
}

/** Uploads an image. Returns its id; undefined when that failed. */
async function upload(image: ArrayBuffer): Promise<string | undefined> {
  const sha256 = hexDigest(image)
  const requests: object[] = [{ metadata: { mediaType: 'image/jpeg', bytes: image.byteLength } }]
  for (let from = 0; from < image.byteLength; from += chunkBytes) {
    // Messages are converted from JSON, where bytes are base64.
    requests.push({ chunk: encoding.b64encode(image.slice(from, from + chunkBytes)) })
  }
  requests.push({ commit: { bytes: image.byteLength, sha256 } })
  const startedAt = Date.now()
  let response: { image?: { id: string; sha256: string } } = {}
  const error = await stream('Upload', requests, (message) => (response = message))
  uploadDuration.add(Date.now() - startedAt)
  const isStored = check(response.image, {
    'Upload succeeds': () => error === undefined,
    'the digest of the image is right': (stored) => stored?.sha256 === sha256,
  })
  return isStored ? response.image?.id : undefined
}

/** Connects this user once. Users are spread over the addresses. */
function connect(): grpc.Client {
  if (isConnected) return client
  const { grpcAddresses, isGrpcEncrypted } = settings
  client.connect(grpcAddresses[__VU % grpcAddresses.length] ?? '', {
    plaintext: !isGrpcEncrypted,
    timeout: '20s',
    ...(isGrpcEncrypted && (ca !== undefined || cert !== undefined)
      ? { tls: { cert: cert ?? '', key: key ?? '', ...(ca === undefined ? {} : { cacerts: ca }) } }
      : {}),
  })
  isConnected = true
  return client
}
