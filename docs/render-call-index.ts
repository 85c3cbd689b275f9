import { Glob } from 'bun'
import { join } from 'node:path'

/** Files of calls: each exports one declaration under the name of the call. */
const declaration = /^export const (\w+) = declare(?:Call|Stream)\(/gm

/** The module that lists every declared call: `calls/calls.gen.ts`. A call is found by its declaration alone. */
export function renderCallIndex(gatewayFolder: string): string {
  const found = [...new Glob('*/*.ts').scanSync({ cwd: gatewayFolder })]
    .filter((path) => !/\.test\.ts$|^calls\/|^testing\//.test(path))
    .sort()
    .flatMap((path) => {
      const text = new TextDecoder().decode(Bun.mmap(join(gatewayFolder, path)))
      return [...text.matchAll(declaration)].map(([, name = '']) => ({ name, path }))
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return [
    '// Generated from the declarations in the folders beside: `./pixelflow verify --write`.',
    ...found.map(({ name, path }) => `export { ${name} } from '../${path}'`),
    '',
  ].join('\n')
}
