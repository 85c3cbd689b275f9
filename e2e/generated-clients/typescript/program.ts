import { createParser, type EventSourceMessage } from 'eventsource-parser'
import createClient from 'openapi-fetch'
import type { components, paths } from './schema.d.ts'

/** Uses types that openapi-typescript generated: `bun program.ts URL IMAGE`. Prints one line of JSON. */

type Schemas = components['schemas']

const [url = '', path = ''] = process.argv.slice(2)
const client = createClient<paths>({ baseUrl: url })
const file = Bun.file(path)

/** openapi-typescript declares the content of a file as a string; the serializer sends the file itself. */
const binary = {
  body: '',
  bodySerializer: () => file,
  headers: { 'content-type': 'application/octet-stream' },
} as const

function valueOf<T>({ data, error }: { data?: T; error?: Schemas['Problem'] }): T {
  if (error !== undefined) throw new Error(`${error.code}: ${error.detail} ${error.remedy}`)
  if (data === undefined) throw new Error('The response has no content.')
  return data
}

async function create(body: Schemas['CreateTask']) {
  const result = await client.POST('/api/v1/tasks', { body })
  return { task: valueOf(result), position: result.response.headers.get('pixelflow-position') ?? '' }
}

/** Follows the events of a task until the last one. */
async function watch(id: string): Promise<Schemas['Event'][]> {
  const { data } = await client.GET('/api/v1/tasks/{id}/events', {
    params: { path: { id } },
    parseAs: 'stream',
  })
  const events: Schemas['Event'][] = []
  const onEvent = (message: EventSourceMessage) => {
    const item = message as Schemas['ServerSentEvent']
    if (item.event !== 'heartbeat') events.push(JSON.parse(item.data) as Schemas['Event'])
  }
  const parser = createParser({ onEvent })
  const decoder = new TextDecoder()
  for await (const chunk of data ?? []) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }))
  return events
}

const image = valueOf(await client.POST('/api/v1/images', binary))
const first = await create({
  image: image.id,
  recipe: {
    steps: [
      { op: 'resize', width: 40 },
      { op: 'format', type: 'png' },
    ],
  },
})
const second = await create({ image: image.id, recipe: 'resize:20', lane: 'bulk' })
const kinds = (await watch(first.task.id)).map(({ kind }) => kind)
const last = (await watch(second.task.id)).at(-1)

const named = { path: { id: first.task.id } }
const task = valueOf(await client.GET('/api/v1/tasks/{id}', { params: named }))
const [step] = task.recipe.steps
const page = valueOf(
  await client.GET('/api/v1/tasks', {
    params: { query: { status: 'completed', limit: 10 }, header: { 'pixelflow-position': second.position } },
  }),
)
const output = valueOf(
  await client.GET('/api/v1/tasks/{id}/outputs/{name}', {
    params: { path: { id: task.id, name: task.outputs[0]?.name ?? '' } },
    parseAs: 'arrayBuffer',
  }),
)
const processed = valueOf(
  await client.POST('/api/v1/process', {
    ...binary,
    params: { query: { recipe: 'resize:30/format:webp' } },
    parseAs: 'blob',
  }),
)
const { error } = await client.POST('/api/v1/tasks', {
  body: {
    image: image.id,
    recipe: {
      steps: [
        { op: 'resize', width: 40 },
        { op: 'blur', sigma: 900 },
      ],
    },
  },
})

const results = {
  image: [image.format, image.width, image.height],
  lanes: [task.lane, second.task.lane],
  kinds,
  last: [last?.kind, last?.task.status],
  fit: step?.op === 'resize' ? step.fit : undefined,
  listed: [task.id, second.task.id].every((id) => page.items.some((one) => one.id === id)),
  isComplete: output.byteLength === task.outputs[0]?.bytes,
  processedType: processed.type,
  problem: [error?.status, error?.code, error?.field],
}
process.stdout.write(`${JSON.stringify(results)}\n`)
