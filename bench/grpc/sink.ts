import { create, toBinary } from '@bufbuild/protobuf'
import { configureHttp2Server } from '@pixelflow/gateway/transports/grpc/native/configure-http2-server'
import { ImageService, UploadResponseSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { Server, ServerCredentials, type sendUnaryData, type ServerReadableStream } from '@grpc/grpc-js'

/**
 * The upper bound for uploads: a server that only counts their bytes, with the library and flow-control windows of the
 * gateway. Runs as a separate process and prints its port.
 */
const server = new Server({ 'grpc.max_receive_message_length': -1 })
configureHttp2Server(server)
const unchanged = (bytes: Buffer) => bytes
const { upload } = ImageService.method
server.addService(
  {
    upload: {
      path: `/${upload.parent.typeName}/${upload.name}`,
      requestStream: true,
      responseStream: false,
      requestSerialize: unchanged,
      requestDeserialize: unchanged,
      responseSerialize: unchanged,
      responseDeserialize: unchanged,
    },
  },
  {
    upload(call: ServerReadableStream<Buffer, Buffer>, reply: sendUnaryData<Buffer>) {
      let bytes = 0
      call.on('data', (message: Buffer) => (bytes += message.length))
      call.on('end', () => {
        const answer = create(UploadResponseSchema, { image: { bytes: BigInt(bytes) } })
        reply(null, Buffer.from(toBinary(UploadResponseSchema, answer)))
      })
    },
  },
)
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  console.log(`port ${port}`)
})
