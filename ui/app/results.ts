import { signal, type ReadonlySignal } from '@preact/signals'
import type { Client, OutputView, TaskView } from '@pixelflow/client'
import { downloadBlob } from '../api/download-blob.ts'

/** One finished output with its image. */
export interface Result {
  readonly output: OutputView
  /** Object URL of its bytes; revoked when the results are replaced. */
  readonly url: string
}

export interface Results {
  readonly all: ReadonlySignal<readonly Result[]>
  /** Downloads the outputs of a finished task by `fetch`, because `<img src>` cannot send the token. */
  load(task: TaskView, signal: AbortSignal): Promise<void>
  clear(): void
}

export function createResults(client: Client): Results {
  const all = signal<readonly Result[]>([])
  return {
    all,
    async load(task, abortSignal) {
      for (const output of task.outputs) {
        const bytes = await downloadBlob(client, { task: task.id, output: output.name }, abortSignal)
        if (abortSignal.aborted) return
        all.value = [...all.value, { output, url: URL.createObjectURL(bytes) }]
      }
    },
    clear() {
      for (const one of all.value) URL.revokeObjectURL(one.url)
      all.value = []
    },
  }
}
