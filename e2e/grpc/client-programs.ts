import { readConfig } from '@pixelflow/cli/config'
import { goClient } from '@pixelflow/cli/tools/go-client'
import { goTool } from '@pixelflow/cli/tools/go'
import { pythonClient } from '@pixelflow/cli/tools/python'

const { root, cacheDir, env } = readConfig(process.env)
const say = (text: string) => void process.stderr.write(`${text}\n`)
const toolOptions = { root, cacheDir, path: env['PATH'], say }

/** Builds each program and returns its path. `./pixelflow test` builds them before the tests run. */
export const clientPrograms = {
  grpcurl: () => goTool('grpcurl', toolOptions),
  goScenarios: () => goClient('scenarios', toolOptions),
  goExample: () => goClient('example', toolOptions),
  python: () => pythonClient({ ...toolOptions, mayInstall: process.getuid?.() === 0 }),
}
