import { fromBinary } from '@bufbuild/protobuf'
import { status } from '@grpc/grpc-js'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web'
import type { Problem } from '@pixelflow/core/problem'
import type { TaskPageView, TaskView } from '@pixelflow/core/views'
import { positionHeader } from '@pixelflow/core/position'
import { BadRequestSchema } from '@pixelflow/proto/google/rpc/error_details_pb'
import { ImageService, TaskStatus } from '@pixelflow/proto/pixelflow/v1/image_pb'
import type { Gateway } from '../gateway.ts'
import { failure, grpcClient } from './grpc-client.ts'

/** Task calls on one gateway for one image, over one protocol. Writes return a position, reads may send one. */
export interface ProtocolClient {
  create(): Promise<WithPosition<string>>
  cancel(id: string): Promise<WithPosition<string>>
  retry(id: string): Promise<WithPosition<string>>
  remove(id: string): Promise<WithPosition<undefined>>
  /** Returns the ids of the first page, newest first. */
  list(position?: string): Promise<readonly string[]>
  /** Returns the status of a task. */
  get(id: string, position?: string): Promise<string>
}

interface WithPosition<T> {
  readonly value: T
  readonly position: string | null
}

/** A refused call in a form that is independent of the protocol. */
export interface RefusedCall {
  readonly isTemporary: boolean
  readonly field: string | undefined
}

/** For each protocol, how to make calls and how to read refusals. */
export const protocolClients = {
  REST: { client: overRest, refusal: refusalOverRest },
  Connect: { client: overConnect(createConnectTransport), refusal: refusalOverConnect },
  'gRPC-Web': { client: overConnect(createGrpcWebTransport), refusal: refusalOverConnect },
  gRPC: { client: overGrpc, refusal: refusalOverGrpc },
}

function overRest({ url }: Pick<Gateway, 'url'>, image: string): ProtocolClient {
  const call = async <T>(path: string, init: RequestInit = {}, position?: string) => {
    const headers = {
      'content-type': 'application/json',
      ...(position === undefined ? {} : { [positionHeader]: position }),
    }
    const response = await fetch(new URL(`/api/v1/tasks${path}`, url), { ...init, headers })
    if (!response.ok) throw response
    const value = response.status === 204 ? undefined : await response.json()
    return { value: value as T, position: response.headers.get(positionHeader) }
  }
  const named = async (path: string, body?: string) => {
    const { value, position } = await call<TaskView>(path, {
      method: 'POST',
      ...(body === undefined ? {} : { body }),
    })
    return { value, position }
  }
  return {
    create: async () => idOf(await named('', JSON.stringify({ image, recipe: 'flip' }))),
    cancel: async (id) => statusOf(await named(`/${id}/cancel`)),
    retry: async (id) => idOf(await named(`/${id}/retry`)),
    remove: (id) => call<undefined>(`/${id}`, { method: 'DELETE' }),
    list: async (position) => (await call<TaskPageView>('', {}, position)).value.items.map(({ id }) => id),
    get: async (id, position) => (await call<TaskView>(`/${id}`, {}, position)).value.status,
  }
}

async function refusalOverRest(promise: Promise<unknown>): Promise<RefusedCall> {
  const response = (await thrownBy(promise)) as Response
  const { code, field } = (await response.clone().json()) as Problem
  const isTemporary = response.status === 503 && code === 'unavailable' && response.headers.has('retry-after')
  if (!isTemporary && code !== 'invalid_request') throw response
  return { isTemporary, field }
}

function overConnect(createTransport: typeof createConnectTransport) {
  return ({ url }: Pick<Gateway, 'url'>, image: string): ProtocolClient => {
    const client = createClient(ImageService, createTransport({ baseUrl: url, useBinaryFormat: true }))
    const recordPosition = () => {
      let position: string | null = null
      return {
        options: { onHeader: (headers: Headers) => (position = headers.get(positionHeader)) },
        with: <T>(value: T): WithPosition<T> => ({ value, position }),
      }
    }
    const sendPosition = (position?: string) =>
      position === undefined ? {} : { headers: { [positionHeader]: position } }
    return {
      async create() {
        const { options, with: withPosition } = recordPosition()
        return withPosition((await client.createTask({ image, recipe }, options)).task?.id ?? '')
      },
      async cancel(id) {
        const { options, with: withPosition } = recordPosition()
        return withPosition(nameOf((await client.cancelTask({ id }, options)).task?.status))
      },
      async retry(id) {
        const { options, with: withPosition } = recordPosition()
        return withPosition((await client.retryTask({ id }, options)).task?.id ?? '')
      },
      async remove(id) {
        const { options, with: withPosition } = recordPosition()
        await client.deleteTask({ id }, options)
        return withPosition(undefined)
      },
      list: async (position) =>
        (await client.listTasks({}, sendPosition(position))).items.map(({ id }) => id),
      get: async (id, position) =>
        nameOf((await client.getTask({ id }, sendPosition(position))).task?.status),
    }
  }
}

async function refusalOverConnect(promise: Promise<unknown>): Promise<RefusedCall> {
  const error = ConnectError.from(await thrownBy(promise))
  const isTemporary = error.code === Code.Unavailable
  if (!isTemporary && error.code !== Code.InvalidArgument) throw error
  return { isTemporary, field: error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field }
}

function overGrpc({ grpcAddress }: Pick<Gateway, 'grpcAddress'>, image: string): ProtocolClient {
  const { method } = ImageService
  const client = grpcClient(grpcAddress)
  const recordPosition = () => {
    let position: string | null = null
    return {
      options: {
        onHeaders: (headers: { get(name: string): unknown[] }) =>
          (position = (headers.get(positionHeader)[0] as string) ?? null),
      },
      with: <T>(value: T): WithPosition<T> => ({ value, position }),
    }
  }
  const sendPosition = (position?: string) =>
    position === undefined ? {} : { metadata: { [positionHeader]: position } }
  return {
    async create() {
      const { options, with: withPosition } = recordPosition()
      return withPosition((await client.unary(method.createTask, { image, recipe }, options)).task?.id ?? '')
    },
    async cancel(id) {
      const { options, with: withPosition } = recordPosition()
      return withPosition(nameOf((await client.unary(method.cancelTask, { id }, options)).task?.status))
    },
    async retry(id) {
      const { options, with: withPosition } = recordPosition()
      return withPosition((await client.unary(method.retryTask, { id }, options)).task?.id ?? '')
    },
    async remove(id) {
      const { options, with: withPosition } = recordPosition()
      await client.unary(method.deleteTask, { id }, options)
      return withPosition(undefined)
    },
    list: async (position) =>
      (await client.unary(method.listTasks, {}, sendPosition(position))).items.map(({ id }) => id),
    get: async (id, position) =>
      nameOf((await client.unary(method.getTask, { id }, sendPosition(position))).task?.status),
  }
}

async function refusalOverGrpc(promise: Promise<unknown>): Promise<RefusedCall> {
  const { code, status: details } = await failure(promise)
  const isTemporary = status[code] === 'UNAVAILABLE'
  if (!isTemporary && status[code] !== 'INVALID_ARGUMENT')
    throw new Error(`Expected UNAVAILABLE or INVALID_ARGUMENT, got code ${code}.`)
  const violations = details?.details.map(({ typeUrl, value }) =>
    typeUrl.endsWith('BadRequest') ? fromBinary(BadRequestSchema, value).fieldViolations : [],
  )
  return { isTemporary, field: violations?.flat()[0]?.field }
}

const recipe = { kind: { case: 'stringValue' as const, value: 'flip' } }

function idOf({ value, position }: WithPosition<TaskView>): WithPosition<string> {
  return { value: value.id, position }
}

function statusOf({ value, position }: WithPosition<TaskView>): WithPosition<string> {
  return { value: value.status, position }
}

function nameOf(status: TaskStatus | undefined): string {
  return TaskStatus[status ?? TaskStatus.UNSPECIFIED].toLowerCase()
}

async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (thrown) {
    return thrown
  }
  throw new Error('Expected the call to be refused, but it succeeded.')
}
