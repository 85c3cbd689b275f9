import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sampleImage } from '@pixelflow/testkit/images'
import { parameterValues } from './parameter-values.ts'
import type { SeededValues } from './seed-values.ts'

/** Writes what schemathesis reads from its working folder: its configuration, values of parameters, and images. */
export async function prepareFolder(folder: string, values: SeededValues): Promise<void> {
  const settings = await Bun.file(join(import.meta.dir, 'schemathesis.toml')).text()
  await writeFile(join(folder, 'schemathesis.toml'), `${settings}\n${dictionaries(values)}`)
  await writeFile(join(folder, 'examples.json'), JSON.stringify(examples(values)))
  const images = join(folder, 'images')
  await mkdir(images)
  for (const format of ['png', 'webp'] as const)
    await writeFile(join(images, `small.${format}`), await sampleImage({ width: 4, height: 3, format }))
}

/** The dictionaries and the parameters that use them, as TOML. A JSON string is also a string in TOML. */
function dictionaries(values: SeededValues): string {
  const lists = Object.entries(values).map(
    ([name, entries]) => `[dictionaries.${name}]\nvalues = ${JSON.stringify(entries)}\n`,
  )
  const operations = Object.entries(parameterValues).map(([operation, parameters]) => {
    const lines = Object.entries(parameters).map(
      ([parameter, [name, probability]]) =>
        `${JSON.stringify(parameter)} = { dictionary = "${name}", probability = ${probability} }\n`,
    )
    return `[[operations]]\ninclude-operation-id = "${operation}"\n[operations.parameters]\n${lines.join('')}`
  })
  return [...lists, ...operations].join('\n')
}

/** One value of each of these parameters, by operation. Requests that probe one parameter have it for the others. */
function examples(values: SeededValues): Record<string, Record<string, string | undefined>> {
  return Object.fromEntries(
    Object.entries(parameterValues).map(([operation, parameters]) => [
      operation,
      Object.fromEntries(
        Object.entries(parameters).map(([parameter, [name]]) => [parameter, values[name][0]]),
      ),
    ]),
  )
}
