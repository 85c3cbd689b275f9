import { expect } from 'bun:test'
import {
  Health,
  HealthCheckResponse_ServingStatus as Serving,
} from '@pixelflow/proto/grpc/health/v1/health_pb'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { kindsOf, expectResult, required, expectError } from './expect-result.ts'
import { slowRecipe } from './create-recipe-value.ts'
import { methods, type ScenarioContext, type Scenario } from './scenario-context.ts'
import { createUpload } from './create-upload.ts'
import { callGrpcurl, runGrpcurl, type GrpcurlCaller } from './call-grpcurl.ts'

const imageService = ImageService.typeName

/** Authentication, deadlines, health and reflection. */
export const serverScenarios: Readonly<Record<string, Scenario>> = {
  async 'no-credentials'({ unauthenticated, untrusted }) {
    if (untrusted) await expectNoConnection(unauthenticated)
    else
      expectError(
        await callGrpcurl(unauthenticated, methods.listTasks, {}),
        'UNAUTHENTICATED',
        'UNAUTHENTICATED',
      )
  },
  async 'wrong-token'({ ann, photo, watch, completedTask }) {
    const unknownToken = { ...ann, token: 'unknown-token' }
    const results = [
      await callGrpcurl(unknownToken, methods.listTasks, {}),
      await callGrpcurl(unknownToken, methods.upload, createUpload(photo)),
      await watch((await completedTask()).id, '', unknownToken),
    ]
    for (const result of results) expectError(result, 'UNAUTHENTICATED', 'UNAUTHENTICATED')
  },
  'wrong-certificate': ({ untrusted }) => expectNoConnection(required(untrusted).wrongCertificate),
  'wrong-server': ({ untrusted }) => expectNoConnection(required(untrusted).wrongServer),
  async 'other-account'({ bob, ...context }) {
    const { id } = await context.image()
    const { id: task } = await context.completedTask()
    const source = { case: 'image' as const, value: id }
    const output = { case: 'output' as const, value: { task, name: 'small' } }
    expectError(await callGrpcurl(bob, methods.getImage, { id }), 'NOT_FOUND', 'IMAGE_NOT_FOUND')
    expectError(await callGrpcurl(bob, methods.download, { source }), 'NOT_FOUND', 'IMAGE_NOT_FOUND')
    expectError(await callGrpcurl(bob, methods.getTask, { id: task }), 'NOT_FOUND', 'TASK_NOT_FOUND')
    expectError(await context.watch(task, '', bob), 'NOT_FOUND', 'TASK_NOT_FOUND')
    expectError(await callGrpcurl(bob, methods.cancelTask, { id: task }), 'NOT_FOUND', 'TASK_NOT_FOUND')
    expectError(await callGrpcurl(bob, methods.download, { source: output }), 'NOT_FOUND', 'TASK_NOT_FOUND')
    const { items } = expectResult(await callGrpcurl(bob, methods.listTasks, { limit: 200 }))
    expect(items.map((one) => one.id)).not.toContain(task)
  },
  async deadline({ create, watch, cancel }) {
    const { id } = await create(slowRecipe)
    const result = await watch(id, '', undefined, { deadlineS: 3 })
    await cancel(id)
    expectError(result, 'DEADLINE_EXCEEDED')
    expect(kindsOf(result.responses)[0]).toBe('QUEUED')
  },
  async 'health-check'({ publicCaller }) {
    for (const service of ['', imageService]) {
      const { status } = expectResult(await callGrpcurl(publicCaller, Health.method.check, { service }))
      expect(status).toBe(Serving.SERVING)
    }
  },
  async 'health-unknown'({ publicCaller }) {
    expectError(await callGrpcurl(publicCaller, Health.method.check, { service: 'no.Such' }), 'NOT_FOUND')
  },
  async 'health-list'({ publicCaller }) {
    const { statuses } = expectResult(await callGrpcurl(publicCaller, Health.method.list, {}))
    for (const service of ['', imageService, Health.typeName]) {
      expect(statuses[service]?.status).toBe(Serving.SERVING)
    }
  },
  async 'health-watch'({ publicCaller }) {
    const expected = { [imageService]: Serving.SERVING, 'no.Such': Serving.SERVICE_UNKNOWN }
    for (const [service, status] of Object.entries(expected)) {
      const result = await callGrpcurl(publicCaller, Health.method.watch, { service }, { deadlineS: 3 })
      expectError(result, 'DEADLINE_EXCEEDED')
      expect(result.responses).toMatchObject([{ status }])
    }
  },
  reflection: (context) => expectReflection(context, 'grpc.reflection.v1.ServerReflection'),
  'reflection-alpha': (context) => expectReflection(context, 'grpc.reflection.v1alpha.ServerReflection'),
}

/** Scenarios that require a server with certificates. */
export const certificateScenarios = ['wrong-certificate', 'wrong-server']

/** Expects that no connection is made. grpcurl reports it without a status code. */
async function expectNoConnection(caller: GrpcurlCaller): Promise<void> {
  const { code, errors } = await runGrpcurl(caller, `${imageService}/ListTasks`)
  expect(code).not.toBe(0)
  expect(errors).toMatch(/Unavailable|certificate|Failed to dial/)
}

/** grpcurl uses the newest reflection service that the server has, so this calls each of them explicitly. */
async function expectReflection({ publicCaller }: ScenarioContext, service: string): Promise<void> {
  const listed = await runGrpcurl(publicCaller, 'list')
  expect(listed.out.trim().split('\n')).toEqual(
    expect.arrayContaining([imageService, Health.typeName, service]),
  )
  const requests = [{ listServices: '' }, { fileContainingSymbol: imageService }].map((one) =>
    JSON.stringify(one),
  )
  const { out, code } = await runGrpcurl(
    { ...publicCaller, connection: [...publicCaller.connection, '-d', requests.join('\n')] },
    `${service}/ServerReflectionInfo`,
  )
  expect(code).toBe(0)
  expect(out).toContain(`"name": "${imageService}"`)
  const files = [...out.matchAll(/^ {6}"([A-Za-z0-9+/=]{40,})",?$/gm)].map(([, one = '']) => atob(one))
  expect(files.some((file) => file.includes('pixelflow/v1/image.proto'))).toBe(true)
  const described = await runGrpcurl(publicCaller, 'describe', `${imageService}.WatchTask`)
  expect(described.out).toContain('returns ( stream .pixelflow.v1.WatchTaskResponse )')
}
