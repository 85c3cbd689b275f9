import type { Installer } from './apt.ts'
import type { BuildOptions } from './go.ts'
import { preparePythonVenv } from './python-venv.ts'

/**
 * Installs the packages of the Python client unless they are installed, and returns the path of the interpreter that has them.
 * @throws CliError `failed` when Python is missing or the packages cannot be installed.
 */
export async function preparePythonClient(options: BuildOptions & Installer): Promise<string> {
  const requirements = 'clients/python/requirements.txt'
  return preparePythonVenv({ program: 'the Python client', requirements, minimum: '3.10' }, options)
}
