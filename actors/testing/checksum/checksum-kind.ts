import { join } from 'node:path'
import { outputObject } from '@pixelflow/core/task'
import type { JobContext } from '../../runtime/job-handler.ts'
import type { KindContext, KindWithJobs, KindWithSessions } from '../../kinds/kind.ts'
import { fetchSource, findSource } from '../../kinds/transform/fetch-source.ts'
import { storeOutput } from '../../kinds/transform/store-output.ts'

/**
 * A kind that the product does not have: it stores the SHA-256 of an image, or sends that of a session's bytes.
 * `extra-kind.test.ts` adds this folder to a copy of the checkout.
 */
export const checksumKind: KindWithJobs & KindWithSessions = {
  createJobHandler: (context) => ({
    ready: (signal) => context.sandbox.ready(signal),
    run: (job) => storeChecksum(context, job),
  }),
  finishesOnDrain: true,
  createSessionHandler: () => ({
    capacity: 1,
    async handle(_opening, session) {
      const hasher = new Bun.CryptoHasher('sha256')
      for (let frame = await session.next(); frame !== null; frame = await session.next())
        hasher.update(frame.body)
      await session.send({ sha256: hasher.digest('hex') })
    },
  }),
}

async function storeChecksum(context: KindContext, { job, task, signal }: JobContext): Promise<void> {
  const { account, image } = task
  const record = await findSource(context, account, image)
  await using folder = await context.scratch.folder(record.bytes)
  const source = join(folder.path, 'source')
  await fetchSource(context, record, source, signal)
  let sha256: unknown
  const onNote = (note: unknown) => void (sha256 = note)
  await context.sandbox.run({ kind: 'checksum', account, input: source, signal, onNote })
  const path = join(folder.path, 'checksum')
  await Bun.write(path, String(sha256))
  const name = outputObject(account, task.id, job.stage, 'default')
  await storeOutput(context.results, { path, name, mediaType: 'text/plain', signal })
}
