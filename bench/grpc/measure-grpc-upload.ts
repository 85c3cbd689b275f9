import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  ImageService,
  type UploadRequest,
  UploadRequestSchema,
  type UploadResponse,
  UploadResponseSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import { Client, credentials } from '@grpc/grpc-js'

type Data = Parameters<typeof create<typeof UploadRequestSchema>>[1]

/**
 * Bytes per second of one upload over gRPC on a new connection: a stream that begins like a TIFF, generated and hashed
 * while it is sent.
 */
export async function measureGrpcUpload(
  address: string,
  totalBytes: number,
  chunkBytes: number,
): Promise<number> {
  const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
  await new Promise<void>((resolve, reject) =>
    client.waitForReady(Date.now() + 10_000, (error) => (error ? reject(error) : resolve())),
  )
  try {
    const startedAt = performance.now()
    await sendFile(client, totalBytes, chunkBytes)
    return totalBytes / ((performance.now() - startedAt) / 1000)
  } finally {
    client.close()
  }
}

async function sendFile(client: Client, totalBytes: number, chunkBytes: number): Promise<void> {
  const { upload } = ImageService.method
  const reply = Promise.withResolvers<UploadResponse>()
  reply.promise.catch(() => {})
  const call = client.makeClientStreamRequest(
    `/${upload.parent.typeName}/${upload.name}`,
    (message: UploadRequest) => Buffer.from(toBinary(UploadRequestSchema, message)),
    (bytes: Buffer) => fromBinary(UploadResponseSchema, bytes),
    (error, answer) => (answer ? reply.resolve(answer) : reply.reject(error)),
  )
  const send = async (data: Data) => {
    if (call.write(create(UploadRequestSchema, data))) return
    const drained = new Promise<void>((resolve) => call.once('drain', resolve))
    // A failed call emits no `drain`.
    await Promise.race([drained, reply.promise])
  }

  const block = crypto.getRandomValues(new Uint8Array(64 * 1024))
  const chunk = Buffer.alloc(chunkBytes)
  for (let at = 0; at < chunkBytes; at += block.length) chunk.set(block.subarray(0, chunkBytes - at), at)
  const digest = new Bun.CryptoHasher('sha256')
  await send({ data: { case: 'metadata', value: { mediaType: 'image/tiff', bytes: BigInt(totalBytes) } } })
  for (let sent = 0; sent < totalBytes; sent += chunkBytes) {
    if (sent === 0) chunk.set([0x49, 0x49, 0x2a, 0x00, 0xf0, 0xff, 0xff, 0xff])
    else chunk.writeDoubleBE(sent)
    // A copy for each message, because the call writes it to the socket later.
    const value = Buffer.from(chunk.subarray(0, totalBytes - sent))
    digest.update(value)
    await send({ data: { case: 'chunk', value } })
  }
  const value = { bytes: BigInt(totalBytes), sha256: digest.digest('hex') }
  await send({ data: { case: 'commit', value } })
  call.end()
  const { image } = await reply.promise
  if (!image || Number(image.bytes) < totalBytes)
    throw new Error(`upload: ${image?.bytes} of ${totalBytes} bytes arrived`)
}
