import { workerHandlers } from '../kinds/worker-handlers.ts'
import type { WorkerHandler } from '../sandbox/worker-handler.ts'
import { workerMain } from '../sandbox/worker-main.ts'

/** Entry point of a worker with one kind more than the shipped one. */

const checksumWorker: WorkerHandler = {
  async warmUp() {},
  async run(input, note) {
    const bytes = await Bun.file(String(input)).bytes()
    note(new Bun.CryptoHasher('sha256').update(bytes).digest('hex'))
  },
}

await workerMain({ ...workerHandlers, checksum: checksumWorker })
