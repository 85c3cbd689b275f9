import { expect } from 'bun:test'
import {
  Health,
  HealthCheckResponse_ServingStatus as Serving,
} from '@pixelflow/proto/grpc/health/v1/health_pb'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { calls, kinds, only, present, refused, slow, whole, type Bench, type Scenario } from './bench.ts'
import { call, run, type Caller } from './grpcurl.ts'

const image = ImageService.typeName

/** Who calls, how long it may take; health and reflection. */
export const serverScenarios: Readonly<Record<string, Scenario>> = {
  async 'no-credentials'({ unauthenticated, untrusted }) {
    if (untrusted) await unconnected(unauthenticated)
    else refused(await call(unauthenticated, calls.listTasks, {}), 'UNAUTHENTICATED', 'unauthenticated')
  },
  async 'wrong-token'({ ann, photo, watch, done }) {
    const liar = { ...ann, token: 'unknown-token' }
    const endings = [
      await call(liar, calls.listTasks, {}),
      await call(liar, calls.upload, whole(photo)),
      await watch((await done()).id, '', liar),
    ]
    for (const ending of endings) refused(ending, 'UNAUTHENTICATED', 'unauthenticated')
  },
  'wrong-certificate': ({ untrusted }) => unconnected(present(untrusted).wrongCertificate),
  'wrong-server': ({ untrusted }) => unconnected(present(untrusted).wrongServer),
  async 'other-account'({ bob, ...bench }) {
    const { id } = await bench.image()
    const { id: task } = await bench.done()
    const source = { case: 'image' as const, value: id }
    const output = { case: 'output' as const, value: { task, name: 'small' } }
    refused(await call(bob, calls.getImage, { id }), 'NOT_FOUND', 'image_not_found')
    refused(await call(bob, calls.download, { source }), 'NOT_FOUND', 'image_not_found')
    refused(await call(bob, calls.getTask, { id: task }), 'NOT_FOUND', 'task_not_found')
    refused(await bench.watch(task, '', bob), 'NOT_FOUND', 'task_not_found')
    refused(await call(bob, calls.cancelTask, { id: task }), 'NOT_FOUND', 'task_not_found')
    refused(await call(bob, calls.download, { source: output }), 'NOT_FOUND', 'task_not_found')
    const { items } = only(await call(bob, calls.listTasks, { limit: 200 }))
    expect(items.map((one) => one.id)).not.toContain(task)
  },
  async deadline({ create, watch, cancel }) {
    const { id } = await create(slow)
    const ending = await watch(id, '', undefined, { deadlineS: 3 })
    await cancel(id)
    refused(ending, 'DEADLINE_EXCEEDED')
    expect(kinds(ending.answers)[0]).toBe('QUEUED')
  },
  async 'health-check'({ publicCaller }) {
    for (const service of ['', image]) {
      const { status } = only(await call(publicCaller, Health.method.check, { service }))
      expect(status).toBe(Serving.SERVING)
    }
  },
  async 'health-unknown'({ publicCaller }) {
    refused(await call(publicCaller, Health.method.check, { service: 'no.Such' }), 'NOT_FOUND')
  },
  async 'health-list'({ publicCaller }) {
    const { statuses } = only(await call(publicCaller, Health.method.list, {}))
    for (const service of ['', image, Health.typeName]) {
      expect(statuses[service]?.status).toBe(Serving.SERVING)
    }
  },
  async 'health-watch'({ publicCaller }) {
    const expected = { [image]: Serving.SERVING, 'no.Such': Serving.SERVICE_UNKNOWN }
    for (const [service, status] of Object.entries(expected)) {
      const ending = await call(publicCaller, Health.method.watch, { service }, { deadlineS: 3 })
      refused(ending, 'DEADLINE_EXCEEDED')
      expect(ending.answers).toMatchObject([{ status }])
    }
  },
  reflection: (bench) => reflected(bench, 'grpc.reflection.v1.ServerReflection'),
  'reflection-alpha': (bench) => reflected(bench, 'grpc.reflection.v1alpha.ServerReflection'),
}

/** What is there only with certificates. */
export const onlyWithCertificates = ['wrong-certificate', 'wrong-server']

/** Expects that the server refuses the connection; grpcurl reports it in its own words. */
async function unconnected(caller: Caller): Promise<void> {
  const { code, errors } = await run(caller, `${image}/ListTasks`)
  expect(code).not.toBe(0)
  expect(errors).toMatch(/Unavailable|certificate|Failed to dial/)
}

/** grpcurl uses the newer reflection service and falls back to the older; this calls each of them explicitly. */
async function reflected({ publicCaller }: Bench, service: string): Promise<void> {
  const listed = await run(publicCaller, 'list')
  expect(listed.out.trim().split('\n')).toEqual(expect.arrayContaining([image, Health.typeName, service]))
  const questions = [{ listServices: '' }, { fileContainingSymbol: image }].map((one) => JSON.stringify(one))
  const { out, code } = await run(
    { ...publicCaller, connection: [...publicCaller.connection, '-d', questions.join('\n')] },
    `${service}/ServerReflectionInfo`,
  )
  expect(code).toBe(0)
  expect(out).toContain(`"name": "${image}"`)
  const files = [...out.matchAll(/^ {6}"([A-Za-z0-9+/=]{40,})",?$/gm)].map(([, one = '']) => atob(one))
  expect(files.some((file) => file.includes('pixelflow/v1/image.proto'))).toBe(true)
  const described = await run(publicCaller, 'describe', `${image}.WatchTask`)
  expect(described.out).toContain('returns ( stream .pixelflow.v1.WatchTaskResponse )')
}
