import { dirname, join } from 'node:path'
import type { Installer } from './apt.ts'
import type { BuildOptions } from './go.ts'
import { preparePythonVenv } from './python-venv.ts'

/**
 * Installs schemathesis, which calls an HTTP API with requests generated from its OpenAPI document, unless it is installed,
 * and returns the path of the program.
 * @throws CliError `failed` when Python is missing or the packages cannot be installed.
 */
export async function prepareSchemathesis(options: BuildOptions & Installer): Promise<string> {
  const requirements = 'e2e/openapi/requirements.txt'
  const python = await preparePythonVenv({ program: 'schemathesis', requirements, minimum: '3.11' }, options)
  return join(dirname(python), 'schemathesis')
}
