import { fromJson, type JsonValue, type MessageInitShape } from '@bufbuild/protobuf'
import { ValueSchema, type Value } from '@bufbuild/protobuf/wkt'
import { expect } from 'bun:test'
import {
  ImageService,
  TaskEventKind,
  type Image,
  type Task,
  type TaskEvent,
  type UploadRequestSchema,
} from '@pixelflow/proto/pixelflow/v1/image_pb'
import { call, type Caller, type GrpcurlOptions, type Ending } from './grpcurl.ts'

/** Who runs scenarios, and on what. */
export interface BenchOptions {
  /** Of two accounts. */
  readonly ann: Caller
  readonly bob: Caller
  /** Can connect, but sends no token. */
  readonly publicCaller: Caller
  /** Has neither token nor certificate. */
  readonly unauthenticated: Caller
  /** Undefined without certificates. */
  readonly untrusted?: {
    /** Shows what another authority has signed. */
    readonly wrongCertificate: Caller
    /** Trusts another authority. */
    readonly wrongServer: Caller
  }
  /** JPEG, 640 × 480. */
  readonly photo: Uint8Array
}

/** One run of grpcurl's scenarios against one server. */
export interface Bench extends BenchOptions {
  image(): Promise<Image>
  /** A completed task with the outputs `large` and `small`. */
  done(): Promise<Task>
  create(recipe: Value): Promise<Task>
  /** Waits for the end of a task. */
  finish(task: Task): Promise<Task>
  watch(id: string, after?: string, who?: Caller, options?: GrpcurlOptions): Promise<Ending<TaskEvent>>
  cancel(id: string): Promise<Ending<Task>>
  upload(...pieces: Piece[]): Promise<Ending<Image>>
}

export type Scenario = (bench: Bench) => Promise<void>
export type Piece = MessageInitShape<typeof UploadRequestSchema>

export const calls = ImageService.method

/** The codes of google.rpc.Code that scenarios speak of. */
export const codes = {
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  OUT_OF_RANGE: 11,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const

export function openBench(options: BenchOptions): Bench {
  const { ann, photo } = options
  let image: Promise<Image> | undefined
  let done: Promise<Task> | undefined
  const bench: Bench = {
    ...options,
    image: () => (image ??= bench.upload(...whole(photo)).then(only)),
    done: () => (done ??= bench.create(twoOutputs).then(bench.finish)),
    async create(recipe) {
      const { id } = await bench.image()
      const { task } = only(await call(ann, calls.createTask, { image: id, recipe }))
      return present(task)
    },
    async finish({ id }) {
      const { answers } = await bench.watch(id)
      return present(answers.at(-1)?.task)
    },
    async watch(id, after = '', who = ann, limits = {}) {
      const ending = await call(who, calls.watchTask, { id, after }, limits)
      return { ...ending, answers: ending.answers.map(({ event }) => present(event)) }
    },
    async cancel(id) {
      const ending = await call(ann, calls.cancelTask, { id })
      return { ...ending, answers: ending.answers.map(({ task }) => present(task)) }
    },
    async upload(...pieces) {
      const ending = await call(ann, calls.upload, pieces)
      return { ...ending, answers: ending.answers.map(({ image }) => present(image)) }
    },
  }
  return bench
}

const recipeOf = (recipe: JsonValue) => fromJson(ValueSchema, recipe)

export const tiny = recipeOf('resize:40')
/** Takes far longer than any scenario waits; each that starts it cancels it. */
export const slow = recipeOf('resize:2400:enlarge/format:avif:90:effort=9')
export const text = recipeOf
export const twoOutputs = recipeOf({
  steps: [{ op: 'grayscale' }],
  outputs: {
    large: { steps: [{ op: 'resize', width: 320 }] },
    small: {
      steps: [
        { op: 'resize', width: 64 },
        { op: 'format', type: 'webp' },
      ],
    },
  },
})

export function metadata(mediaType = 'image/jpeg', bytes?: bigint): Piece {
  return { data: { case: 'metadata', value: { mediaType, ...(bytes === undefined ? {} : { bytes }) } } }
}

export function chunks(bytes: Uint8Array): Piece[] {
  const count = Math.ceil(bytes.length / 65_536)
  return Array.from({ length: count }, (_, i) => ({
    data: { case: 'chunk', value: bytes.subarray(i * 65_536, (i + 1) * 65_536) },
  }))
}

export function commit(bytes: Uint8Array, change: { bytes?: bigint; sha256?: string } = {}): Piece {
  return {
    data: { case: 'commit', value: { bytes: BigInt(bytes.length), sha256: digestOf(bytes), ...change } },
  }
}

/** An upload by the book. */
export function whole(bytes: Uint8Array): Piece[] {
  return [metadata(), ...chunks(bytes), commit(bytes)]
}

export function digestOf(bytes: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
}

/** An id that nothing has. */
export function unusedId(): string {
  return Bun.randomUUIDv7()
}

export function kinds(events: readonly TaskEvent[]): string[] {
  return events.map(({ kind }) => TaskEventKind[kind])
}

/** The one answer of a call that has succeeded. */
export function only<O>({ answers, code, detail }: Ending<O>): O {
  expect({ code, detail, answers: answers.length }).toEqual({ code: 0, detail: '', answers: 1 })
  return present(answers[0])
}

/** Demands a refusal with a code and, where they are named, a reason and a field. */
export function refused(ending: Ending<unknown>, code: keyof typeof codes, reason?: string, field?: string) {
  expect([ending.code, ending.detail]).toEqual([codes[code], expect.any(String)])
  if (reason !== undefined) {
    expect(ending.info).toMatchObject({ reason, domain: 'pixelflow' })
    expect(ending.requestId).toBeTruthy()
  }
  if (field !== undefined) expect(ending.fields).toContain(field)
}

export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The answer lacks what it should hold.')
  return value
}
