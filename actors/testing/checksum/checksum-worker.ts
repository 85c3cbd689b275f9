import type { WorkerHandler } from '../../sandbox/worker-handler.ts'

/** Notes the SHA-256 of a file. */
export const checksumWorker: WorkerHandler = {
  async warmUp() {},
  async run(input, note) {
    const bytes = await Bun.file(String(input)).bytes()
    note(new Bun.CryptoHasher('sha256').update(bytes).digest('hex'))
  },
}
