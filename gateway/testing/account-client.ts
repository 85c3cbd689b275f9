import type { EventView, ImageView, TaskPageView, TaskView } from '@pixelflow/core/views'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { sampleImage } from '@pixelflow/testkit/images'
import { grpcClient, type GrpcClient } from './grpc-client.ts'

/** Typical calls of one account. Each throws when it fails. */
export interface AccountClient {
  /** Processes a small image synchronously. */
  process(): Promise<void>
  /** Creates an interactive task and waits for its end; returns the task. */
  task(): Promise<TaskView>
  list(): Promise<TaskPageView>
  /** GetVersion on a new gRPC connection. */
  version(): Promise<void>
  /** GetTask on a new gRPC connection. */
  getTask(): Promise<void>
}

const calls = ImageService.method

export async function openAccountClient(
  url: string,
  grpcAddress: string,
  token: string,
): Promise<AccountClient> {
  const metadata = { authorization: `Bearer ${token}` }
  const call = async (path: string, init: RequestInit = {}) => {
    const headers = { ...metadata, ...(init.headers as Record<string, string>) }
    const response = await fetch(`${url}${path}`, { ...init, headers })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response
  }
  const post = (path: string, body: string | Uint8Array, type: string) =>
    call(path, {
      method: 'POST',
      body: body as string | Uint8Array<ArrayBuffer>,
      headers: { 'content-type': type },
    })
  const onNewConnection = async (act: (client: GrpcClient) => Promise<unknown>) => {
    using client = grpcClient(grpcAddress, { 'grpc.enable_retries': 0 })
    await act(client)
  }
  const photo = await sampleImage({ width: 640, height: 480 })
  const { id: image } = (await (await post('/api/v1/images', photo, 'image/jpeg')).json()) as ImageView
  let latest = ''

  return {
    async process() {
      const response = await post('/api/v1/process?recipe=resize:200', photo, 'image/jpeg')
      if ((await response.arrayBuffer()).byteLength < 1000)
        throw new Error('The processed image has fewer than 1000 bytes.')
    },
    async task() {
      const created = await post(
        '/api/v1/tasks',
        JSON.stringify({ image, recipe: 'resize:200' }),
        'application/json',
      )
      const { id } = (await created.json()) as TaskView
      latest = id
      const text = await (await call(`/api/v1/tasks/${id}/events`)).text()
      const data = text.split('\n').filter((line) => line.startsWith('data: {"'))
      const last = JSON.parse(data.at(-1)?.slice('data: '.length) ?? '{}') as Partial<EventView>
      if (last.kind !== 'completed' || !last.task)
        throw new Error(`Task ${id} ended with ${last.kind}, expected completed.`)
      return last.task
    },
    list: async () => (await (await call('/api/v1/tasks?limit=20')).json()) as TaskPageView,
    version: () => onNewConnection((client) => client.unary(calls.getVersion, {}, { metadata })),
    getTask: () => onNewConnection((client) => client.unary(calls.getTask, { id: latest }, { metadata })),
  }
}
