import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { startStack } from '@pixelflow/testkit/stack'

/** A running gateway with an actor, and what a generator and a program need. */
export interface GeneratorFixture extends AsyncDisposable {
  readonly url: string
  /** Empty at first. */
  readonly folder: string
  /** The OpenAPI document that the gateway serves, as a file. */
  readonly document: string
  /** A JPEG of 160 × 120 pixels, as a file. */
  readonly image: string
}

export async function openGeneratorFixture(): Promise<GeneratorFixture> {
  await using scope = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pixelflow-generated-'))
  scope.defer(() => rm(home, { recursive: true, force: true }))
  const stack = scope.use(await startStack())
  const [{ url }] = await Promise.all([stack.gateway(), stack.actor()])
  const [folder, document, image] = [
    join(home, 'client'),
    join(home, 'openapi.json'),
    join(home, 'photo.jpg'),
  ]
  await Bun.write(document, await fetch(`${url}/api/v1/openapi.json`))
  await Bun.write(image, await sampleImage({ width: 160, height: 120 }))
  const opened = scope.move()
  return { url, folder, document, image, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
