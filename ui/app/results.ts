import { signal, type ReadonlySignal } from '@preact/signals'
import type { Client, OutputView, TaskView } from '@pixelflow/client'
import { blobOf } from '../api/blob.ts'

/** One finished output with its picture. */
export interface Result {
  readonly output: OutputView
  /** Object URL of its bytes; revoked when the results are replaced. */
  readonly url: string
}

export interface Results {
  readonly all: ReadonlySignal<readonly Result[]>
  /** Fetches the outputs of a finished task, with the token that a plain `<img src>` could not carry. */
  load(task: TaskView, signal: AbortSignal): Promise<void>
  clear(): void
}

export function createResults(client: Client): Results {
  const all = signal<readonly Result[]>([])
  return {
    all,
    async load(task, stop) {
      for (const output of task.outputs) {
        const bytes = await blobOf(client, { task: task.id, output: output.name }, stop)
        if (stop.aborted) return
        all.value = [...all.value, { output, url: URL.createObjectURL(bytes) }]
      }
    },
    clear() {
      for (const one of all.value) URL.revokeObjectURL(one.url)
      all.value = []
    },
  }
}
