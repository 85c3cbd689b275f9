import { computed, signal, type ReadonlySignal } from '@preact/signals'
import type { Client, Credentials, ServerSettings } from '@pixelflow/client'
import type { OperationDescription } from '@pixelflow/core/operations/index'
import { createMissingTokenError, toNotice, type Notice } from '../api/notice.ts'
import type { Place } from '../recipe/draft.ts'
import { toFields, type Field } from '../recipe/field.ts'

/** Settings and operations of the server. Neither load function throws: `failure` has the reason. */
export interface Server {
  readonly settings: ReadonlySignal<ServerSettings | null>
  readonly operations: ReadonlySignal<readonly OperationDescription[]>
  readonly needsToken: ReadonlySignal<boolean>
  /** Why loading failed, if it did. */
  readonly failure: ReadonlySignal<Notice | null>
  /** Loads the settings, and asks for a token if the server requires one. */
  loadSettings(): Promise<void>
  loadOperations(): Promise<void>
  operation(name: string): OperationDescription | undefined
  fields(operation: string): readonly Field[]
  place(operation: string): Place
}

export function createServer(client: Client, credentials: Required<Credentials>): Server {
  const settings = signal<ServerSettings | null>(null)
  const operations = signal<readonly OperationDescription[]>([])
  const failure = signal<Notice | null>(null)
  const byName = computed(
    () =>
      new Map(
        operations.value.map((operation) => [
          operation.name,
          { operation, fields: toFields(operation.schema) },
        ]),
      ),
  )

  async function captureFailure(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      failure.value = null
    } catch (thrown) {
      failure.value = toNotice(thrown)
    }
  }

  return {
    settings,
    operations,
    failure,
    needsToken: computed(() => settings.value?.auth === 'token'),
    loadSettings: () =>
      captureFailure(async () => {
        const loaded = await client.settings()
        settings.value = loaded
        if (loaded.auth !== 'token' || credentials.token() !== null) return
        if ((await credentials.ask(null)) === null) throw createMissingTokenError()
      }),
    loadOperations: () =>
      captureFailure(async () => {
        operations.value = (await client.operations()).operations
      }),
    operation: (name) => byName.value.get(name)?.operation,
    fields: (name) => byName.value.get(name)?.fields ?? [],
    place: (name) => byName.value.get(name)?.operation.place ?? 'any',
  }
}
