import { create, fromBinary, toBinary, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf'
import {
  TuneRequestSchema,
  TuneResponseSchema,
  type TunePreview,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { GrpcClient } from './grpc-client.ts'

export type TuneInput = NonNullable<MessageInitShape<typeof TuneRequestSchema>['data']>
type TuneOutput = MessageShape<typeof TuneResponseSchema>['data']
type Case = NonNullable<TuneOutput['case']>
type ValueOf<C extends Case> = Extract<TuneOutput, { case: C }>['value']

/** How long a wait for a message lasts, whatever arrives meanwhile. */
const receiveTimeoutMs = 20_000

/** A tuning session over native gRPC. */
export function openTuneStream({ client }: GrpcClient) {
  const call = client.makeBidiStreamRequest(
    '/pixelflow.v1.ImageService/Tune',
    (message: MessageShape<typeof TuneRequestSchema>) => Buffer.from(toBinary(TuneRequestSchema, message)),
    (bytes: Buffer) => fromBinary(TuneResponseSchema, bytes),
  )
  call.on('error', () => {})
  const responses = call[Symbol.asyncIterator]() as AsyncIterator<MessageShape<typeof TuneResponseSchema>>
  let last = 'nothing'
  const next = async (deadline = Date.now() + receiveTimeoutMs): Promise<TuneOutput | null> => {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => late.reject(new Error(`no message within ${receiveTimeoutMs} ms; last saw ${last}`)),
      deadline - Date.now(),
    )
    try {
      const { done, value } = await Promise.race([responses.next(), late.promise])
      if (done === true) return null
      last = JSON.stringify(value.data, (_, one: unknown) =>
        typeof one === 'bigint' ? String(one) : one instanceof Uint8Array ? `${one.length} bytes` : one,
      )
      return value.data
    } finally {
      clearTimeout(timer)
    }
  }
  /** Returns the next response of one kind and skips others. */
  async function receive<C extends Case>(
    wanted: C,
    deadline = Date.now() + receiveTimeoutMs,
  ): Promise<ValueOf<C>> {
    for (let response; (response = await next(deadline)) !== null;) {
      if (response.case === wanted) return response.value as ValueOf<C>
    }
    throw new Error(`The session ended without a ${wanted} message.`)
  }
  return {
    call,
    next,
    receive,
    send: (...requests: TuneInput[]) =>
      requests.forEach((data) => call.write(create(TuneRequestSchema, { data }))),
    async preview(sequence: number): Promise<{ about: TunePreview; bytes: Buffer }> {
      for (const deadline = Date.now() + receiveTimeoutMs; ;) {
        const about = await receive('preview', deadline)
        const chunks: Uint8Array[] = []
        for (let left = Number(about.bytes); left > 0;) {
          const response = await next(deadline)
          if (response?.case !== 'chunk') throw new Error(`Expected a chunk, got ${response?.case}.`)
          chunks.push(response.value)
          left -= response.value.length
        }
        if (Number(about.sequence) === sequence) return { about, bytes: Buffer.concat(chunks) }
      }
    },
  }
}
