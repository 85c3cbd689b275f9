import type { Installer } from './apt.ts'
import type { BuildOptions } from './go.ts'
import { preparePythonVenv } from './python-venv.ts'

/**
 * Installs openapi-python-client and what its generated code needs, unless it is installed, and returns the path of the
 * interpreter that has it.
 * @throws CliError `failed` when Python is missing or the packages cannot be installed.
 */
export async function prepareOpenapiPythonClient(options: BuildOptions & Installer): Promise<string> {
  const requirements = 'e2e/generated-clients/python/requirements.txt'
  return preparePythonVenv({ program: 'openapi-python-client', requirements, minimum: '3.11' }, options)
}
