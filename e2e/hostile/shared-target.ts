import { afterAll, afterEach, beforeAll } from 'bun:test'
import { sampleImage } from '@pixelflow/testkit/images'
import { startAttackTarget, type AttackTarget } from './attack-target.ts'

/** The target that all attacks of a test file share. Set by `setUpSharedTarget`. */
export let target: AttackTarget
/** A valid JPEG file. */
export let imageFile: Uint8Array
/** Id of `imageFile`, which is uploaded. */
export let imageId: string

/** Starts the target before the tests of a file, checks it after each test, and stops it after the last. */
export function prepareSharedTarget(): void {
  beforeAll(async () => {
    target = await startAttackTarget()
    imageFile = await sampleImage({ width: 640, height: 480 })
    imageId = (await target.api.upload(imageFile)).id
  }, 60_000)
  afterEach(() => target.expectUnharmed(), 20_000)
  afterAll(() => target?.[Symbol.asyncDispose](), 30_000)
}
