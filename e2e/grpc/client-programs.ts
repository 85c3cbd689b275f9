import { readConfig } from '@pixelflow/cli/config'
import { buildGoClient } from '@pixelflow/cli/tools/go-client'
import { buildGoTool } from '@pixelflow/cli/tools/go'
import { preparePythonClient } from '@pixelflow/cli/tools/python-client'

const { root, cacheDir, env } = readConfig(process.env)
const say = (text: string) => void process.stderr.write(`${text}\n`)
const toolOptions = { root, cacheDir, path: env['PATH'], say }

/** Builds each program and returns its path. `./pixelflow test` builds them before the tests run. */
export const clientPrograms = {
  grpcurl: () => buildGoTool('grpcurl', toolOptions),
  goScenarios: () => buildGoClient('scenarios', toolOptions),
  goExample: () => buildGoClient('example', toolOptions),
  python: () => preparePythonClient({ ...toolOptions, mayInstall: process.getuid?.() === 0 }),
}
