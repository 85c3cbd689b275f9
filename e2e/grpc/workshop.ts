import { readConfig } from '@pixelflow/cli/config'
import { goClient } from '@pixelflow/cli/tools/go-client'
import { goTool } from '@pixelflow/cli/tools/go'
import { pythonClient } from '@pixelflow/cli/tools/python'

const { root, cacheDir, env } = readConfig(process.env)
const say = (text: string) => void process.stderr.write(`${text}\n`)
const workshop = { root, cacheDir, path: env['PATH'], say }

/** Built by `./pixelflow test` beforehand; a single test file builds it here. */
export const grpcurl = () => goTool('grpcurl', workshop)
export const goScenarios = () => goClient('scenarios', workshop)
export const goExample = () => goClient('example', workshop)
export const python = () => pythonClient({ ...workshop, mayInstall: process.getuid?.() === 0 })
