import { computed, signal, type ReadonlySignal } from '@preact/signals'
import type { Client, Credentials, ServerSettings } from '@pixelflow/client'
import { noticeOf, tokenMissing, type Notice } from '../api/notice.ts'
import type { Place } from '../recipe/draft.ts'
import { fieldsOf, type Field, type JsonSchema } from '../recipe/field.ts'

/** One item of `GET /api/v1/operations`. */
export interface Operation {
  readonly name: string
  readonly title: string
  readonly summary: string
  /** Allowed position in an output's steps. */
  readonly place: Place
  readonly schema: JsonSchema
  /** Syntax of the short text form, e.g. `blur[:sigma]`. */
  readonly text: { readonly usage: string }
  readonly examples: readonly { readonly text: string }[]
}

/** Settings and operations of the server. Neither `greet` nor `load` throws: `failure` has the reason. */
export interface Server {
  readonly settings: ReadonlySignal<ServerSettings | null>
  readonly operations: ReadonlySignal<readonly Operation[]>
  readonly needsToken: ReadonlySignal<boolean>
  /** Why loading failed, if it did. */
  readonly failure: ReadonlySignal<Notice | null>
  /** Loads the settings, and asks for a token if the server requires one. */
  greet(): Promise<void>
  /** Loads the operations. */
  load(): Promise<void>
  operation(name: string): Operation | undefined
  fields(operation: string): readonly Field[]
  place(operation: string): Place
}

export function createServer(client: Client, credentials: Required<Credentials>): Server {
  const settings = signal<ServerSettings | null>(null)
  const operations = signal<readonly Operation[]>([])
  const failure = signal<Notice | null>(null)
  const byName = computed(
    () => new Map(operations.value.map((one) => [one.name, { one, fields: fieldsOf(one.schema) }])),
  )

  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      failure.value = null
    } catch (thrown) {
      failure.value = noticeOf(thrown)
    }
  }

  return {
    settings,
    operations,
    failure,
    needsToken: computed(() => settings.value?.auth === 'token'),
    greet: () =>
      attempt(async () => {
        const said = await client.settings()
        settings.value = said
        if (said.auth !== 'token' || credentials.token() !== null) return
        if ((await credentials.ask(null)) === null) throw tokenMissing()
      }),
    load: () =>
      attempt(async () => {
        operations.value = (await client.operations()).operations
      }),
    operation: (name) => byName.value.get(name)?.one,
    fields: (name) => byName.value.get(name)?.fields ?? [],
    place: (name) => byName.value.get(name)?.one.place ?? 'any',
  }
}
