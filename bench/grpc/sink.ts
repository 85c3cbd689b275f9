import { create, toBinary } from '@bufbuild/protobuf'
import { configureHttp2Server } from '@pixelflow/gateway/transports/grpc/native/configure-http2-server'
import { ImageService, UploadResponseSchema } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { Server, ServerCredentials, type sendUnaryData, type ServerReadableStream } from '@grpc/grpc-js'

/**
 * The limit: a server that takes uploads and only counts their bytes, on the same library and with the same windows as
 * the gateway. A process of its own; writes its port, and ends with its parent.
 */
const server = new Server({ 'grpc.max_receive_message_length': -1 })
configureHttp2Server(server)
const whole = (bytes: Buffer) => bytes
const { upload } = ImageService.method
server.addService(
  {
    upload: {
      path: `/${upload.parent.typeName}/${upload.name}`,
      requestStream: true,
      responseStream: false,
      requestSerialize: whole,
      requestDeserialize: whole,
      responseSerialize: whole,
      responseDeserialize: whole,
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
