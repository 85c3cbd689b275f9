import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import {
  Health,
  HealthCheckResponse_ServingStatus as Serving,
} from '@pixelflow/proto/grpc/health/v1/health_pb'
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '@pixelflow/proto/grpc/reflection/v1/reflection_pb'
import { ServerReflection as ServerReflectionAlpha } from '@pixelflow/proto/grpc/reflection/v1alpha/reflection_pb'
import { waitFor } from '@pixelflow/testkit/wait-for'
import { openTestGateway, type TestGateway } from '../../testing/test-gateway.ts'
import { failure, grpcClient, type GrpcClient } from '../../testing/grpc-client.ts'

let gateway: TestGateway
let client: GrpcClient
beforeAll(async () => {
  gateway = await openTestGateway()
  client = grpcClient(gateway.grpcAddress)
}, 60_000)
afterAll(async () => {
  client[Symbol.dispose]()
  await gateway[Symbol.asyncDispose]()
})

const image = 'pixelflow.v1.ImageService'

describe('health', () => {
  test.each(['', image, 'grpc.health.v1.Health'])('of %p is reported', async (service) => {
    expect(await client.unary(Health.method.check, { service })).toMatchObject({ status: Serving.SERVING })
  })

  test('of an unknown service is an error for Check and a status for Watch', async () => {
    expect(await failure(client.unary(Health.method.check, { service: 'no.Such' }))).toMatchObject({
      code: 5,
    })
    const watch = client.serverStream(Health.method.watch, { service: 'no.Such' })
    for await (const { status } of watch) {
      expect(status).toBe(Serving.SERVICE_UNKNOWN)
      break
    }
    watch.cancel()
  })

  test('of all services is listed', async () => {
    const { statuses } = await client.unary(Health.method.list, {})
    expect(statuses[image]).toMatchObject({ status: Serving.SERVING })
  })

  test('follows the broker', async () => {
    const seen: Serving[] = []
    const watch = client.serverStream(Health.method.watch, { service: image })
    watch.on('data', ({ status }: { status: Serving }) => seen.push(status))
    watch.on('error', () => {})
    const received = (count: number) =>
      waitFor(
        `${count} states`,
        () => seen,
        ({ length }) => length === count,
        { timeoutMs: 20_000 },
      )
    await received(1)
    await gateway.nats.kill9()
    await received(2)
    expect(await client.unary(Health.method.check, {})).toMatchObject({ status: Serving.NOT_SERVING })
    await gateway.nats.restart()
    await received(3)
    expect(seen).toEqual([Serving.SERVING, Serving.NOT_SERVING, Serving.SERVING])
    watch.cancel()
  }, 40_000)
})

describe.each([ServerReflection, ServerReflectionAlpha])('reflection: $typeName', ({ typeName }) => {
  type Query = NonNullable<ServerReflectionRequest['messageRequest']>

  function ask(query: Query): Promise<ServerReflectionResponse['messageResponse']> {
    const call = client.client.makeBidiStreamRequest<ServerReflectionRequest, ServerReflectionResponse>(
      `/${typeName}/ServerReflectionInfo`,
      (message) => Buffer.from(toBinary(ServerReflectionRequestSchema, message)),
      (bytes) => fromBinary(ServerReflectionResponseSchema, bytes),
    )
    const { promise, resolve, reject } = Promise.withResolvers<ServerReflectionResponse['messageResponse']>()
    call.on('data', (response: ServerReflectionResponse) => resolve(response.messageResponse))
    call.on('error', reject)
    call.write(create(ServerReflectionRequestSchema, { messageRequest: query }))
    call.end()
    return promise
  }

  const filesOf = (response: ServerReflectionResponse['messageResponse']) =>
    response.case === 'fileDescriptorResponse'
      ? response.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes))
      : []

  test('lists the services', async () => {
    const response = await ask({ case: 'listServices', value: '' })
    const names =
      response.case === 'listServicesResponse' ? response.value.service.map((one) => one.name) : []
    expect(names).toContain(image)
    expect(names).toContain('grpc.health.v1.Health')
  })

  test.each([image, `${image}.Upload`, 'pixelflow.v1.Task', 'pixelflow.v1.TaskStatus'])(
    'finds %s',
    async (symbol) => {
      const files = filesOf(await ask({ case: 'fileContainingSymbol', value: symbol }))
      expect(files[0]?.name).toBe('pixelflow/v1/image.proto')
      expect(files.map((file) => file.name)).toContain('google/protobuf/struct.proto')
    },
  )

  test('finds the error details', async () => {
    const files = filesOf(await ask({ case: 'fileContainingSymbol', value: 'google.rpc.ErrorInfo' }))
    expect(files[0]?.name).toBe('google/rpc/error_details.proto')
  })

  test('finds files by name, and extensions', async () => {
    const byName = filesOf(await ask({ case: 'fileByFilename', value: 'google/api/annotations.proto' }))
    expect(byName[0]?.name).toBe('google/api/annotations.proto')
    const containingType = 'google.protobuf.MethodOptions'
    const byNumber = filesOf(
      await ask({
        case: 'fileContainingExtension',
        value: { containingType, extensionNumber: 72_295_728 } as never,
      }),
    )
    expect(byNumber[0]?.name).toBe('google/api/annotations.proto')
    const all = await ask({ case: 'allExtensionNumbersOfType', value: containingType })
    expect(all).toMatchObject({
      case: 'allExtensionNumbersResponse',
      value: { extensionNumber: [72_295_728] },
    })
  })

  test.each<Query>([
    { case: 'fileContainingSymbol', value: 'no.Such' },
    { case: 'fileByFilename', value: 'no.proto' },
    { case: 'allExtensionNumbersOfType', value: 'no.Such' },
  ])('responds with NOT_FOUND to %p', async (query) => {
    expect(await ask(query)).toMatchObject({ case: 'errorResponse', value: { errorCode: 5 } })
  })
})
